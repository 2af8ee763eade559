package probe_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mooring/internal/probe"
)

// chain puts so many more certificates behind one. Each has the same name as the authority and another key, so that all of
// them may have signed.
func (a authority) chain(t *testing.T, cert tls.Certificate, more int) tls.Certificate {
	t.Helper()
	for i := range more {
		form := &x509.Certificate{
			SerialNumber: big.NewInt(int64(100 + i)), Subject: a.cert.Subject, IsCA: true, BasicConstraintsValid: true,
			NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter, KeyUsage: x509.KeyUsageCertSign,
		}
		der, err := x509.CreateCertificate(rand.Reader, form, a.cert, newKey(t).Public(), a.key)
		if err != nil {
			t.Fatal(err)
		}
		cert.Certificate = append(cert.Certificate, der)
	}
	return cert
}

// Of a chain a few certificates are looked at, and of a certificate a few names: whoever sends more does not get more.
func TestOfALongChainAndOfManyNamesAFewAreSeen(t *testing.T) {
	ca := newAuthority(t)
	names := []string{host}
	for i := range 2000 {
		names = append(names, fmt.Sprintf("%d.%s.example.com", i, strings.Repeat("x", 60)))
	}
	cert := ca.chain(t, ca.issue(t, 1, 90, names...), 60)
	addr := site(t, &cert, func(http.ResponseWriter, *http.Request) {})
	r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTPS, Path: "/", Roots: ca.pool})
	if c := r.Certificate; r.Status != 200 || c == nil || len(c.Names) != 20 || !c.Matches || !c.Trusted {
		t.Errorf("%+v, certificate %+v", r, r.Certificate)
	}
	// What leads to the root comes after ten others, and is not looked for there.
	middle := newAuthority(t)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: "Harbour CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: ca.cert.NotBefore, NotAfter: ca.cert.NotAfter, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, ca.cert, middle.key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	for others, trusted := range map[int]bool{8: true, 9: false} {
		cert := middle.chain(t, middle.issue(t, 1, 90, host), others)
		cert.Certificate = append(cert.Certificate, der)
		addr := site(t, &cert, func(http.ResponseWriter, *http.Request) {})
		r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTPS, Path: "/", Roots: ca.pool})
		if r.Certificate == nil || r.Certificate.Trusted != trusted {
			t.Errorf("after %d others: %+v", others, r.Certificate)
		}
	}
}

// A certificate's words are whatever its maker wrote.
func TestTheWordsOfACertificateAreShortAndPrintable(t *testing.T) {
	evil := pkix.Name{CommonName: "\x1b[2J\u202e" + strings.Repeat("x", 5000)}
	nobody := newAuthorityOf(t, evil)
	cert := nobody.issueTo(t, evil, 1, 90, "\x1b]0;pwn\x07.example.com")
	addr := site(t, &cert, func(http.ResponseWriter, *http.Request) {})
	r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTPS, Path: "/", Roots: newAuthorityOf(t, evil).pool})
	c := r.Certificate
	if c == nil || c.Trusted || len(c.Names) != 1 {
		t.Fatalf("%+v, certificate %+v", r, c)
	}
	for what, text := range map[string]string{"subject": c.Subject, "issuer": c.Issuer, "name": c.Names[0], "why it is not trusted": c.Untrust} {
		if text == "" || len(text) > 400 || strings.ContainsAny(text, "\x1b\x07\u202e") {
			t.Errorf("%s: %q", what, text)
		}
	}
	cert = nobody.issueTo(t, evil, 1, 90)
	addr = site(t, &cert, func(http.ResponseWriter, *http.Request) {})
	r = probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTPS, Path: "/"})
	if c := r.Certificate; c == nil || c.Names == nil || len(c.Names) != 0 {
		t.Errorf("of nobody: %+v", r.Certificate)
	}
}

// A redirect is not followed, not even to where it came from, and its words are somebody else's too.
func TestARedirectIsToldAndNotFollowed(t *testing.T) {
	var asked atomic.Int32
	addr := listen(t, func(c net.Conn) {
		asked.Add(1)
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /\u202e"+strings.Repeat("x", 5000)+"\r\n\r\n")
	})
	r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: probe.HTTP, Path: "/"})
	if r.Status != 302 || len(r.Location) > 400 || !strings.HasPrefix(r.Location, "/ xxx") || asked.Load() != 1 {
		t.Errorf("asked %d times: %+v", asked.Load(), r)
	}
}

// One address of a listener may answer, and the others not; and one host may have a certificate of its own.
func TestEachAddressIsJudgedByItself(t *testing.T) {
	ca := newAuthority(t)
	mine, other := ca.issue(t, 1, 90, host), ca.issue(t, 1, 90, "other.example.com")
	bySNI := listen(t, func(c net.Conn) {
		secure := tls.Server(c, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName == host {
				return &mine, nil
			}
			return &other, nil
		}})
		_, _ = secure.Read(make([]byte, 4096))
		_, _ = io.WriteString(secure, "HTTP/1.1 204 No Content\r\n\r\n")
		_ = secure.Close()
	})
	hangsUp := listen(t, func(net.Conn) {})
	v6, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	nobody := netip.MustParseAddrPort(v6.Addr().String())
	_ = v6.Close()
	var targets []probe.Target
	for _, addr := range []netip.AddrPort{bySNI, hangsUp, nobody} {
		targets = append(targets, probe.Target{Addr: addr, Host: host, Scheme: probe.HTTPS, Path: "/", Roots: ca.pool})
	}
	got := probe.All(t.Context(), targets, 3)
	if r := got[0]; r.Status != 204 || r.Certificate == nil || !r.Certificate.Matches || !r.Certificate.Trusted {
		t.Errorf("%+v, certificate %+v", r, r.Certificate)
	}
	if r := got[1]; !r.Connected || r.Error == "" || r.Certificate != nil {
		t.Errorf("who hangs up: %+v", r)
	}
	if r := got[2]; r.Connected || r.NoRoute || r.Addr.String() != "::1" || r.Error != "connect: connection refused" {
		t.Errorf("by IPv6: %+v", r)
	}
}

// Who gives away an answer byte by byte has as long as who gives none.
func TestASlowAnswerIsNoAnswer(t *testing.T) {
	for scheme, text := range map[string]string{probe.HTTP: "HTTP/1.1 200 OK\r\nX: ", probe.HTTPS: "\x16\x03\x03\x40\x00\x02\x00\x3f\x00"} {
		addr := listen(t, func(c net.Conn) {
			_, err := c.Read(make([]byte, 4096))
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for i := 0; err == nil; i++ {
				<-tick.C
				_, err = c.Write([]byte{text[min(i, len(text)-1)]})
			}
		})
		r := probe.Probe(t.Context(), probe.Target{Addr: addr, Host: host, Scheme: scheme, Path: "/", Timeout: 300 * time.Millisecond})
		if !r.Connected || r.Status != 0 || !strings.HasSuffix(r.Error, "no answer in time: 300ms") {
			t.Errorf("%s: %+v", scheme, r)
		}
	}
}
