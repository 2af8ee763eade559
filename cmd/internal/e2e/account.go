package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"mooring/cmd/internal/transcript"
	"mooring/internal/sim"
)

// An account is the simulated world as a stack's head describes it: what the real stack is held against.
type account struct {
	aws  *sim.AWS
	s3   *sim.S3
	dns  *sim.DNS
	zone string
}

// newAccount makes one. Close its name servers when it is done.
func newAccount(head transcript.Head, now func() time.Time) (*account, error) {
	s := head.Stack
	var subnets []sim.Subnet
	for _, one := range s.Subnets {
		subnets = append(subnets, sim.Subnet{ID: one.ID, Prefix: one.Prefix, Zone: one.Zone, ZoneID: one.ZoneID})
	}
	group := func(g transcript.Group) *sim.TargetGroup {
		return &sim.TargetGroup{ARN: g.ARN, Type: "ip", Protocol: "TCP", VPC: s.VPC, Port: g.Port, Subnets: subnets}
	}
	scratch, attached := group(s.Scratch), group(s.Attached)
	scratch.Unused = true
	// Where nothing was seen to drain, it should have been for as long as the group is set to.
	attached.HealthyAfter = seconds(head.Measured.HealthySeconds)
	attached.DrainFor = seconds(cmp.Or(head.Measured.DrainSeconds, attachedDelay))
	for g, delay := range map[*sim.TargetGroup]float64{scratch: 0, attached: attachedDelay} { // as deploy/e2e/main.tf sets them
		g.Attributes = map[string]string{
			"deregistration_delay.timeout_seconds": strconv.Itoa(int(delay)), "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
		}
	}
	a := &account{s3: &sim.S3{Clock: now, Hides: func(r *http.Request) bool { return sessionOf(r) == withoutList }}}
	a.s3.CreateBucket(s.Bucket)
	a.aws = &sim.AWS{
		ELB: &sim.ELBv2{Groups: []*sim.TargetGroup{scratch, attached}, Now: now},
		EC2: &sim.EC2{Subnets: map[string][]sim.Subnet{s.VPC: subnets}}, S3: a.s3,
	}
	return a, a.names(s, now)
}

// attachedDelay is the deregistration delay of the attached group, in seconds.
const attachedDelay = 60

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

func (a *account) names(s transcript.Stack, now func() time.Time) (err error) {
	_, a.zone, _ = strings.Cut(s.Name, ".")
	if a.zone == "" || s.Servers == 0 {
		return nil // nobody was asked
	}
	a.dns, err = sim.NewDNS(sim.DNSConfig{Zones: []string{a.zone}, Servers: s.Servers, Seed: 7, All: true, Now: now})
	if err != nil {
		return fmt.Errorf("start the world's name servers: %w", err)
	}
	a.dns.Set(s.Name, s.Nodes...)
	return nil
}

// server is the zone's server of that number, and the resolver for 0. Of a number that it does not have it is the last.
func (a *account) server(n int) netip.AddrPort {
	servers := a.dns.Servers(a.zone)
	if n == 0 || len(servers) == 0 {
		return a.dns.Resolver()
	}
	return servers[min(n, len(servers))-1]
}

func (a *account) close() {
	if a.dns != nil {
		a.dns.Close()
	}
}

// The access keys of the simulated account's sessions name them, so that it can tell by whom it is called.
const keyOf = "ASIA" + transcript.Account + "-"

// sessionOf is the session that signed a request.
func sessionOf(r *http.Request) string {
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential="+keyOf)
	session, _, _ := strings.Cut(key, "/")
	return session
}
