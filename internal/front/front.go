// Package front is a group that is a load balancer itself: one TCP listener at a fixed address, in this process, whose
// flows go to the targets. It does what a Network Load Balancer does, as far as one machine can.
package front

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"mooring"
)

// Settings are the numbers of a front. [DefaultSettings] has the ones that are usual.
type Settings struct {
	HealthInterval time.Duration // between two health checks of one target
	HealthTimeout  time.Duration // for one to succeed
	Healthy        int           // successes in a row that make an unhealthy target healthy; a new one needs one
	Unhealthy      int           // failures in a row that make a target unhealthy
	DrainDelay     time.Duration // how long the flows of a target that left may go on
	IdleTimeout    time.Duration // without a byte in either direction, after which a flow is ended
	MaxFlows       int           // at a time; further ones are refused
}

// A Config is what a front needs.
type Config struct {
	Listen   netip.AddrPort // with port 0, a free one
	Settings Settings

	// Dial connects to a target; nil: as the system does.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	Log  *slog.Logger
}

// Stats are what a front did and does.
type Stats struct {
	Flows    int    // open now
	Accepted uint64 // flows that reached a target, ever
	In, Out  uint64 // bytes from clients, and to them
	Targets  map[mooring.Health]int
	Refused  map[string]uint64 // by reason: limit, no-target, unreachable
	FailOpen bool              // no target is healthy, so all get flows
}
