package main

import (
	"testing"

	"mooring/internal/shift"
)

// What somebody is told to run when the way back was given up works from another machine: it needs no configuration.
func TestTheCommandOfTheWayBackIsWhole(t *testing.T) {
	job := &shiftJob{zone: shift.HostedZone{ID: "Z1PA6795UKMFR9"}, name: `\052.example.com.`}
	c := &shiftCommand{only: []string{"A"}, zoneRole: "arn:aws:iam::222233334444:role/dns"}
	want := "mooring shift --hosted-zone Z1PA6795UKMFR9 --name '*.example.com' --back --only A --hosted-zone-role-arn arn:aws:iam::222233334444:role/dns"
	if got := c.backCommand(job); got != want {
		t.Error(got)
	}
}
