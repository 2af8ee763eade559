package probe

import (
	"net/netip"
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
