package front_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"mooring"
	"mooring/internal/front"
)

func permit() error { return nil }

// quick are settings with which a story does not take long.
func quick() front.Settings {
	s := front.DefaultSettings()
	s.HealthInterval = 5 * time.Millisecond
	return s
}

// A road leads to the targets. It can be closed to single ones, whose connections are refused then.
type road struct {
	mu     sync.Mutex
	closed map[string]bool
	before func(addr string) // each connection; nil: nothing
}

func (r *road) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	r.mu.Lock()
	before := r.before
	r.mu.Unlock()
	if before != nil {
		before(addr)
	}
	r.mu.Lock()
	closed := r.closed[addr]
	r.mu.Unlock()
	if closed {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

func (r *road) set(t mooring.Target, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed == nil {
		r.closed = map[string]bool{}
	}
	r.closed[netip.AddrPortFrom(t.Addr, t.Port).String()] = closed
}

// beforeEach has something done before each connection.
func (r *road) beforeEach(do func(addr string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = do
}

// A subject is a front that ends with the test, and the road to its targets.
type subject struct {
	*front.Front
	road *road
	t    *testing.T
}

func open(t *testing.T, s front.Settings) subject {
	t.Helper()
	r := &road{}
	f, err := front.Listen(front.Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Settings: s, Dial: r.dial, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		f.Shutdown(over)
	})
	return subject{f, r, t}
}

func (s subject) register(targets ...mooring.Target) {
	s.t.Helper()
	out, err := s.Register(s.t.Context(), targets, permit)
	if err != nil || len(out.Refused) > 0 {
		s.t.Fatalf("register: %+v, %v", out.Refused, err)
	}
}

func (s subject) deregister(targets ...mooring.Target) {
	s.t.Helper()
	if _, err := s.Deregister(s.t.Context(), targets, permit); err != nil {
		s.t.Fatal(err)
	}
}

// state is a target's health, "" where there is no such target.
func (s subject) state(t mooring.Target) mooring.Health {
	all, _ := s.Targets(s.t.Context())
	for _, found := range all {
		if found.Addr == t.Addr && found.Port == t.Port {
			return found.Health
		}
	}
	return ""
}

func (s subject) becomes(t mooring.Target, want mooring.Health) {
	s.t.Helper()
	until(s.t, "the target is "+string(want), func() bool { return s.state(t) == want })
}

// flows are how many flows a target has.
func (s subject) flows(t mooring.Target) int { return s.Flows()[netip.AddrPortFrom(t.Addr, t.Port)] }

func (s subject) dial() *net.TCPConn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// until waits for something that comes about by itself.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("it never came about that %s", what)
		}
	}
}

// serve starts a target that handles each connection so.
func serve(t *testing.T, handle func(*net.TCPConn)) mooring.Target {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				handle(c)
			}()
		}
	}()
	a := l.Addr().(*net.TCPAddr).AddrPort()
	return mooring.Target{Addr: a.Addr().Unmap(), Port: a.Port()}
}

func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

// names says who it is, and then what it is told.
func names(name string) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		_, _ = io.WriteString(c, name)
		echo(c)
	}
}

// read is the next byte of a connection.
func read(t *testing.T, c net.Conn) string {
	t.Helper()
	b := make([]byte, 1)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wasReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// refuses tells that a new client is reset, be it while it still connects.
func (s subject) refuses() {
	s.t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err == nil {
		defer func() { _ = c.Close() }()
		_, err = io.Copy(io.Discard, c)
	}
	if !wasReset(err) {
		s.t.Fatalf("want a reset, got %v", err)
	}
}

// isReset waits until a connection is reset. An orderly end is none.
func isReset(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); !wasReset(err) {
		t.Fatalf("want a reset, got %v", err)
	}
}
