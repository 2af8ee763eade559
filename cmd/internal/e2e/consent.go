package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A consent is what somebody allowed, by the environment: nothing is built by accident.
type consent struct {
	account, region string
	lcus            int // capacity units to reserve for the Application Load Balancer, so that it has more nodes
}

var errConsent = errors.New("nothing was built")

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	region    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
)

// The least and the most units that may be asked for. AWS takes no fewer than 100.
const (
	minLCUs = 100
	maxLCUs = 1500
)

// consentOf reads MOORING_E2E, MOORING_E2E_ACCOUNT, MOORING_E2E_LCUS and AWS_REGION. All faults are told at once.
func consentOf(env func(string) (string, bool)) (consent, error) {
	var missing []string
	get := func(name string) string {
		value, _ := env(name)
		return strings.TrimSpace(value)
	}
	c := consent{account: get("MOORING_E2E_ACCOUNT"), region: get("AWS_REGION")}
	if get("CI") != "" {
		missing = append(missing, "this is a CI (CI is set), and CI never builds anything in an account")
	}
	if get("MOORING_E2E") != "yes" {
		missing = append(missing, "set MOORING_E2E=yes to agree to what it costs")
	}
	if !accountID.MatchString(c.account) {
		missing = append(missing, "set MOORING_E2E_ACCOUNT to the 12 digits of the account in which to build")
	}
	if !region.MatchString(c.region) {
		missing = append(missing, "set AWS_REGION to the Region in which to build")
	}
	if text := get("MOORING_E2E_LCUS"); text != "" && text != "0" {
		n, err := strconv.Atoi(text)
		if err != nil || n < minLCUs || n > maxLCUs {
			missing = append(missing, fmt.Sprintf("set MOORING_E2E_LCUS to nothing, or to a number from %d to %d", minLCUs, maxLCUs))
		}
		c.lcus = n
	}
	if len(missing) > 0 {
		return consent{}, fmt.Errorf("%w: %s", errConsent, strings.Join(missing, "; "))
	}
	return c, nil
}

// Prices in US dollars an hour, of us-east-1, as https://aws.amazon.com/elasticloadbalancing/pricing/ gave them in 2026.
// Other Regions take up to about two thirds more.
const (
	balancerHour = 0.0225 // of either kind, for each hour that has begun
	unitHour     = 0.008  // of the Application Load Balancer's capacity units, reserved or used
)

// cost says what the stack costs, before it is built.
func cost(lcus int) string {
	var b strings.Builder
	line := func(what string, price float64) { fmt.Fprintf(&b, "  %-64s %7.4f\n", what, price) }
	fmt.Fprintln(&b, "The stack of deploy/e2e costs, in US dollars for each hour that has begun (us-east-1; up to two thirds more elsewhere):")
	line("Application Load Balancer, internal, hardly used", balancerHour)
	line("Network Load Balancer, internal, hardly used", balancerHour)
	if lcus > 0 {
		line(fmt.Sprintf("%d reserved capacity units (MOORING_E2E_LCUS)", lcus), float64(lcus)*unitHour)
	}
	line("VPC, 2 subnets, target groups, role, bucket with a few objects", 0)
	line("together", hourly(lcus))
	fmt.Fprint(&b, "A walk takes half an hour, with reserved units an hour or two; the stack is torn down after it, whatever happens.\n")
	return b.String()
}

func hourly(lcus int) float64 { return 2*balancerHour + float64(lcus)*unitHour }
