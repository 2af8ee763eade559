package front_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"mooring"
	"mooring/internal/front"
	"mooring/internal/grouptest"
)

// Many addresses are needed, and a machine has few: every target is one listener, reached through the front's own dialer.
func TestAFrontIsAGroup(t *testing.T) {
	grouptest.Run(t, func(t *testing.T) grouptest.Subject {
		host := serve(t, echo)
		everybody := netip.AddrPortFrom(host.Addr, host.Port).String()
		s := quick()
		s.DrainDelay = time.Hour
		f, err := front.Listen(front.Config{
			Listen: netip.MustParseAddrPort("127.0.0.1:0"), Settings: s, Log: slog.New(slog.DiscardHandler),
			Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, everybody)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stop(f) })
		own := mooring.Target{Addr: f.Addr().Addr(), Port: f.Addr().Port()}
		return grouptest.Subject{
			Group: f, Targets: from("10.0.1.1", 3), OtherPort: 8443, Many: from("10.0.2.1", 300),
			Refused: []mooring.Target{own, {Addr: netip.IPv4Unspecified(), Port: 443}, {Addr: netip.MustParseAddr("10.0.1.9")}},
			Pass:    func() { <-time.After(s.HealthInterval) },
			Busy:    func(mooring.Target) (func() error, error) { return subject{Front: f, t: t}.busy() },
		}
	})
}

func stop(f *front.Front) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	f.Shutdown(ended)
}

// from is n targets from an address on.
func from(first string, n int) []mooring.Target {
	var out []mooring.Target
	for a := netip.MustParseAddr(first); len(out) < n; a = a.Next() {
		out = append(out, mooring.Target{Addr: a, Port: 443})
	}
	return out
}

// busy opens a flow and sees that it has reached the target. It ends as a client ends one.
func (s subject) busy() (end func() error, err error) {
	s.t.Helper()
	c := s.dial()
	if _, err := c.Write([]byte("hello")); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		return nil, err
	}
	return func() error {
		if err := c.CloseWrite(); err != nil {
			return err
		}
		rest, err := io.ReadAll(c)
		if len(rest) > 0 {
			err = errors.Join(err, errors.New("more came back than was sent"))
		}
		return err
	}, nil
}
