package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
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

// consentOf reads MOORING_E2E, MOORING_E2E_ACCOUNT, MOORING_E2E_LCUS and AWS_REGION. All faults are told at once. The units
// are known also where consent is not given.
func consentOf(env func(string) (string, bool)) (consent, error) {
	var missing []string
	get := func(name string) string {
		value, _ := env(name)
		return strings.TrimSpace(value)
	}
	lcus, err := lcusOf(env)
	c := consent{account: get("MOORING_E2E_ACCOUNT"), region: get("AWS_REGION"), lcus: lcus}
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
	if err != nil {
		missing = append(missing, err.Error())
	}
	if len(missing) > 0 {
		return consent{lcus: lcus}, fmt.Errorf("%w: %s", errConsent, strings.Join(missing, "; "))
	}
	return c, nil
}

var errUnits = fmt.Errorf("set MOORING_E2E_LCUS to nothing, or to a number from %d to %d", minLCUs, maxLCUs)

// lcusOf reads MOORING_E2E_LCUS.
func lcusOf(env func(string) (string, bool)) (int, error) {
	text, _ := env("MOORING_E2E_LCUS")
	if text = strings.TrimSpace(text); text == "" || text == "0" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < minLCUs || n > maxLCUs {
		return 0, errUnits
	}
	return n, nil
}

// What each part of a run may take, after which it is ended.
const (
	reservedTime = 2 * time.Hour    // for AWS to give reserved units, as deploy/e2e/main.tf has it
	othersTime   = 30 * time.Minute // for all else of the stack
	walkTime     = 90 * time.Minute
	teardownTime = 45 * time.Minute // network interfaces of load balancers are let go of slowly
)

func (c consent) buildTime() time.Duration {
	if c.lcus > 0 {
		return reservedTime + othersTime
	}
	return othersTime
}

// longest is what a run may take in all. Terraform is waited for, twice, when its time is over.
func (c consent) longest() time.Duration {
	return c.buildTime() + walkTime + teardownTime + 2*interruptTime
}

// Prices in US dollars an hour, of us-east-1, as https://aws.amazon.com/elasticloadbalancing/pricing/ gave them in 2026.
// Other Regions take up to about two thirds more.
const (
	balancerHour = 0.0225 // of either kind, for each hour that has begun
	unitHour     = 0.008  // of the Application Load Balancer's capacity units, reserved or used
)

// cost says what the stack costs, before it is built.
func (c consent) cost() string {
	var b strings.Builder
	line := func(what string, price float64) { fmt.Fprintf(&b, "  %-64s %7.4f\n", what, price) }
	fmt.Fprintln(&b, "The stack of deploy/e2e costs, in US dollars for each hour that has begun (us-east-1; up to two thirds more elsewhere):")
	line("Application Load Balancer, internal, hardly used", balancerHour)
	line("Network Load Balancer, internal, hardly used", balancerHour)
	if c.lcus > 0 {
		line(fmt.Sprintf("%d reserved capacity units (MOORING_E2E_LCUS)", c.lcus), float64(c.lcus)*unitHour)
	}
	line("VPC, 2 subnets, target groups, role, bucket with a few objects", 0)
	line("together", c.hourly())
	fmt.Fprint(&b, "Half an hour to an hour is usual.")
	if c.lcus > 0 {
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/request-capacity-unit-reservation.html
		fmt.Fprintf(&b, " AWS may take a few hours to reserve units; %.0f hours are waited for.", reservedTime.Hours())
	}
	hours := math.Ceil(c.longest().Hours())
	fmt.Fprintf(&b, " At the longest a run takes %.0f hours, which is %.2f dollars.\n", hours, hours*c.hourly())
	fmt.Fprintln(&b, "The stack is torn down at the end, and after a failure or Ctrl-C. It stays, and goes on costing, where this program is killed,")
	fmt.Fprintln(&b, "the network is lost or the credentials expire: then run make e2e-down, until it says that nothing was found.")
	return b.String()
}

func (c consent) hourly() float64 { return 2*balancerHour + float64(c.lcus)*unitHour }
