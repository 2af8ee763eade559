package probe

import (
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
)

func TestTheHostHeaderNamesThePortWhereItIsNotTheSchemesOwn(t *testing.T) {
	for want, c := range map[string]struct {
		scheme, host string
		port         uint16
	}{
		"www.example.com":     {HTTPS, "www.example.com", 443},
		"example.com":         {HTTP, "example.com", 80},
		"www.example.com:80":  {HTTPS, "www.example.com", 80},
		"www.example.com:443": {HTTP, "www.example.com", 443},
		"203.0.113.9:8443":    {HTTPS, "203.0.113.9", 8443},
		"[2001:db8::9]":       {HTTPS, "2001:db8::9", 443},
		"[2001:db8::9]:8080":  {HTTP, "2001:db8::9", 8080},
	} {
		target := Target{Addr: netip.AddrPortFrom(netip.IPv6Loopback(), c.port), Host: c.host, Path: "/"}
		if req, err := requestOf(t.Context(), target, c.scheme); err != nil || req.Host != want {
			t.Errorf("%v, error %v, want host %s", req, err, want)
		}
	}
}

// Most machines have no IPv6, and then nothing is known of such an address. A load balancer's IPv4 address that is not
// reached is no such thing.
func TestAMachineWithoutIPv6BlamesNobody(t *testing.T) {
	v4, v6 := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8::9")
	failed := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	for _, errno := range []syscall.Errno{syscall.ENETUNREACH, syscall.EADDRNOTAVAIL} {
		if !noRoute(v6, failed(errno)) || noRoute(v4, failed(errno)) {
			t.Errorf("%v: %t over IPv6, %t over IPv4", errno, noRoute(v6, failed(errno)), noRoute(v4, failed(errno)))
		}
	}
	if noRoute(v6, failed(syscall.ECONNREFUSED)) {
		t.Error("who refuses is reached")
	}
}
