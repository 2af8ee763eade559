package probe_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mooring/internal/probe"
)

const host = "www.example.com"

// site serves HTTP, and HTTPS where it has a certificate.
func site(t *testing.T, cert *tls.Certificate, handler http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	if cert == nil {
		s.Start()
	} else {
		s.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
		s.Config.ErrorLog = nil
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

func TestAnAddressIsAskedForTheHostByHTTPS(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue(t, 10, 100, host, "example.com")
	var sni, asked atomic.Value
	addr := site(t, &cert, func(w http.ResponseWriter, r *http.Request) {
		sni.Store(r.TLS.ServerName)
		asked.Store(fmt.Sprintf("%s%s %t %v", r.Host, r.URL.Path, r.Close, r.Header))
		w.Header().Set("Location", "https://elsewhere.example/")
		w.WriteHeader(http.StatusFound)
	})
	r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTPS, Path: "/health", Roots: ca.pool, Zone: "a"})
	if r.Error != "" || !r.Connected || r.Status != 302 || r.Location != "https://elsewhere.example/" || r.Zone != "a" {
		t.Fatalf("%+v", r)
	}
	if sni.Load() != host || asked.Load() != fmt.Sprintf("%s:%d/health true map[Accept:[*/*] Accept-Encoding:[gzip] Connection:[close] User-Agent:[mooring-verify]]", host, addr.Port()) {
		t.Errorf("the server was asked for %q and %q", sni.Load(), asked.Load())
	}
	c := r.Certificate
	if c == nil || !c.Matches || !c.Trusted || c.DaysLeft != 90 || c.Issuer != "CN=Harbour CA" || strings.Join(c.Names, " ") != "www.example.com example.com" {
		t.Errorf("%+v", c)
	}
}

func TestACertificateIsSeenWhateverIsWrongWithIt(t *testing.T) {
	ca := newAuthority(t)
	for _, c := range []struct {
		what             string
		cert             tls.Certificate
		untrusted        bool
		matches, trusted bool
		days             int
	}{
		{"expired", ca.issue(t, 100, 90, host), false, true, false, -10},
		{"not valid yet", ca.issue(t, -2, 90, host), false, true, false, 92},
		{"for another name", ca.issue(t, 1, 90, "db.example.com"), false, false, true, 89},
		{"signed by nobody we know", ca.issue(t, 1, 90, host), true, true, false, 89},
	} {
		addr := site(t, &c.cert, func(http.ResponseWriter, *http.Request) {})
		target := probe.Target{Addr: addr, Host: host, Scheme: probe.HTTPS, Path: "/", Roots: ca.pool}
		if c.untrusted {
			target.Roots = newAuthority(t).pool
		}
		r := probe.Probe(t.Context(), target)
		got := r.Certificate
		if r.Status != 200 || got == nil || got.Matches != c.matches || got.Trusted != c.trusted || got.DaysLeft != c.days || (got.Untrust == "") != c.trusted {
			t.Errorf("%s: %+v, certificate %+v", c.what, r, got)
		}
	}
}

func TestPlainHTTPIsAskedWithoutAHandshake(t *testing.T) {
	addr := site(t, nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTP, Path: "/"})
	if r.Status != 503 || r.Error != "" || r.Certificate != nil || r.HandshakeMS != 0 {
		t.Errorf("%+v", r)
	}
}

func TestAPortThatRefusesSaysSo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(l.Addr().String())
	_ = l.Close()
	for _, scheme := range []string{probe.Auto, probe.TCP, probe.HTTPS} {
		r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: scheme, Path: "/"})
		if r.Connected || r.Scheme == probe.Auto || !strings.HasPrefix(r.Error, "connect: ") || strings.Contains(r.Error, "127.0.0.1") {
			t.Errorf("%s: %+v", scheme, r)
		}
	}
}

// Everybody who takes a connection and answers badly is told apart from who does not take it, in time and in few words.
func TestWhoAnswersBadlyIsNoServer(t *testing.T) {
	const tooLong = "server response headers exceeded 16384 bytes"
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	garbage := func(c net.Conn) {
		_, _ = c.Write([]byte("\x00\x1b[31mSSH-2.0-" + strings.Repeat("x", 4000) + "\r\n"))
		silent(c)
	}
	endless := func(first, more string) func(net.Conn) {
		return func(c net.Conn) {
			_, err := c.Read(make([]byte, 4096)) // the request
			if err == nil {
				_, err = io.WriteString(c, first)
			}
			for err == nil {
				_, err = io.WriteString(c, more)
			}
		}
	}
	for _, c := range []struct {
		what   string
		serve  func(net.Conn)
		scheme string
		want   string
	}{
		{"silence", silent, probe.HTTP, "request: no answer in time: 300ms"},
		{"silence", silent, probe.HTTPS, "TLS handshake: no answer in time: 300ms"},
		{"garbage", garbage, probe.HTTP, "request: "},
		{"garbage", garbage, probe.HTTPS, "TLS handshake: "},
		{"hanging up", func(net.Conn) {}, probe.HTTPS, "TLS handshake: "},
		{"endless headers", endless("HTTP/1.1 200 OK\r\n", "X-More: "+strings.Repeat("x", 1000)+"\r\n"), probe.HTTP, tooLong},
		{"an endless header", endless("HTTP/1.1 200 OK\r\nX: ", strings.Repeat("x", 1000)), probe.HTTP, tooLong},
		{"endless hints", endless("", "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"), probe.HTTP, "request: "},
	} {
		addr := listen(t, c.serve)
		r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: c.scheme, Path: "/", Timeout: 300 * time.Millisecond})
		if !r.Connected || r.Status != 0 || !strings.Contains(r.Error, c.want) || len(r.Error) > 400 || strings.ContainsAny(r.Error, "\x00\x1b\n") {
			t.Errorf("%s over %s: %+v", c.what, c.scheme, r)
		}
	}
}

func TestABodyThatNeverEndsIsNotWaitedFor(t *testing.T) {
	addr := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096)) // the request
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	if r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTP, Path: "/"}); r.Status != 200 || r.Error != "" {
		t.Errorf("%+v", r)
	}
}

// On a port that says nothing about itself, what is spoken is found out by a handshake.
func TestWhatIsSpokenIsFoundOut(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue(t, 1, 90, host)
	https := site(t, &cert, func(http.ResponseWriter, *http.Request) {})
	database := listen(t, func(c net.Conn) {
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		_ = secure.Handshake()
		_, _ = io.Copy(io.Discard, secure)
	})
	speaksFirst := listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "5.7.0-MySQL")
		_, _ = io.Copy(io.Discard, c)
	})
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	if r := probe.Probe(t.Context(), probe.Target{Addr: silent, Host: host, Path: "/", Timeout: 300 * time.Millisecond}); r.Scheme != probe.TCP || r.Error != "" {
		t.Errorf("of who is silent: %+v", r)
	}
	for want, addr := range map[string]netip.AddrPort{probe.HTTPS: https, probe.TLS: database, probe.TCP: speaksFirst} {
		r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.Auto, Path: "/", Roots: ca.pool})
		if r.Scheme != want || r.Error != "" || !r.Connected || (r.Certificate != nil) != (want != probe.TCP) || (r.Status == 200) != (want == probe.HTTPS) {
			t.Errorf("%s: %+v", want, r)
		}
	}
}

func TestSchemeTCPSendsNothing(t *testing.T) {
	got := make(chan int64, 1)
	addr := listen(t, func(c net.Conn) {
		n, _ := io.Copy(io.Discard, c)
		got <- n
	})
	r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.TCP})
	if n := <-got; n != 0 || r.Scheme != probe.TCP || !r.Connected || r.Error != "" {
		t.Errorf("%d bytes, %+v", n, r)
	}
}

func TestFewAreAskedAtOnceAndAllInOrder(t *testing.T) {
	var now, most atomic.Int32
	addr := site(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		for n := now.Add(1); ; {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		defer now.Add(-1)
		w.WriteHeader(http.StatusNoContent)
	})
	var targets []probe.Target
	for i := range 40 {
		targets = append(targets, probe.Target{Addr: addr, Host: host, Scheme: probe.HTTP, Path: "/", Zone: fmt.Sprint(i)})
	}
	for i, r := range probe.All(t.Context(), targets, 3) {
		if r.Zone != fmt.Sprint(i) || r.Status != http.StatusNoContent {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if m := most.Load(); m > 3 {
		t.Errorf("%d at once", m)
	}
}

func TestCodesAreReadAsATargetGroupsMatcherHasThem(t *testing.T) {
	codes, err := probe.ParseCodes("200, 301-302")
	if err != nil || !codes.Has(200) || codes.Has(201) || !codes.Has(302) || codes.String() != "200,301-302" {
		t.Errorf("%v, error %v", codes, err)
	}
	for _, bad := range []string{"", "2xx", "99", "200-600", "399-200", "200,", "-5", "200--300"} {
		if codes, err := probe.ParseCodes(bad); err == nil {
			t.Errorf("%q: %v", bad, codes)
		}
	}
}
