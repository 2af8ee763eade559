package probe_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"
)

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	return newAuthorityOf(t, pkix.Name{CommonName: "Harbour CA"})
}

func newAuthorityOf(t *testing.T, subject pkix.Name) authority {
	t.Helper()
	key := newKey(t)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: subject, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour * 24 * 900), NotAfter: time.Now().Add(time.Hour * 24 * 900), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return authority{cert, key, pool}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue signs one for these names, valid for so many days from so many days ago.
func (a authority) issue(t *testing.T, ago, days int, names ...string) tls.Certificate {
	t.Helper()
	return a.issueTo(t, pkix.Name{CommonName: "front"}, ago, days, names...)
}

func (a authority) issueTo(t *testing.T, subject pkix.Name, ago, days int, names ...string) tls.Certificate {
	t.Helper()
	key := newKey(t)
	from := time.Now().Add(-time.Duration(ago) * 24 * time.Hour)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: subject, DNSNames: names,
		NotBefore: from, NotAfter: from.Add(time.Duration(days) * 24 * time.Hour).Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// listen serves connections, one after the other, until the test ends.
func listen(t *testing.T, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-over })
	return netip.MustParseAddrPort(l.Addr().String())
}
