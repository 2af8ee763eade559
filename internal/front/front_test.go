package front_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"mooring"
	"mooring/internal/front"
)

func permit() error { return nil }

// quick are settings with which a story does not take long.
func quick() front.Settings {
	s := front.DefaultSettings()
	s.HealthInterval, s.HealthTimeout = 5*time.Millisecond, time.Second
	return s
}

// open starts a front that ends with the test.
func open(t *testing.T, s front.Settings) *front.Front {
	t.Helper()
	f, err := front.Listen(front.Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Settings: s, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		f.Shutdown(ended)
	})
	return f
}

// serve starts a target that handles each connection so.
func serve(t *testing.T, handle func(*net.TCPConn)) *net.TCPListener {
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
			go handle(c)
		}
	}()
	return l
}

func echo(c *net.TCPConn) {
	defer func() { _ = c.Close() }()
	_, _ = io.Copy(c, c)
}

func at(l net.Listener) mooring.Target {
	a := l.Addr().(*net.TCPAddr).AddrPort()
	return mooring.Target{Addr: a.Addr().Unmap(), Port: a.Port()}
}

func register(t *testing.T, f *front.Front, targets ...mooring.Target) {
	t.Helper()
	out, err := f.Register(t.Context(), targets, permit)
	if err != nil || len(out.Refused) > 0 {
		t.Fatalf("register: %+v, %v", out.Refused, err)
	}
}

func deregister(t *testing.T, f *front.Front, targets ...mooring.Target) {
	t.Helper()
	if _, err := f.Deregister(t.Context(), targets, permit); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, f *front.Front) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

func TestBytesComeThroughAndBack(t *testing.T) {
	f := open(t, quick())
	register(t, f, at(serve(t, echo)))
	c := dial(t, f)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
}
