// Package probe asks an address whether it serves clients, and judges what was gathered of a binding.
//
// It asks by address and never by name: what a name resolves to has no part in it. A probe connects once, sends at most
// one request, follows nothing, and reads a bounded part of the answer. [Judge] does no I/O.
package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"

	"mooring"
)

// What is spoken to an address.
const (
	Auto  = "auto"  // see [Target.Scheme]
	TCP   = "tcp"   // a connection, and not a byte
	TLS   = "tls"   // a handshake, and no request: whoever answered it did not choose HTTP
	HTTP  = "http"  // a request
	HTTPS = "https" // a handshake and a request
)

// A Target is one address to ask.
type Target struct {
	Addr netip.AddrPort
	Zone string // where it is, for the result; may be empty
	Host string // the name that clients use: of the handshake (SNI) and of the request

	// Scheme is what to speak. Auto is HTTPS on ports 443 and 8443, and HTTP on 80 and 8080. On any other it connects and
	// offers a TLS handshake for HTTP: who agrees to that is asked over HTTPS; who completes it otherwise is TLS; all
	// others are TCP.
	Scheme string

	Path    string         // of the request, from the slash on
	Timeout time.Duration  // of all of it; 0: 5 s
	Roots   *x509.CertPool // whom to trust; nil: whom this machine does
}

// A Result is what one address answered.
type Result struct {
	Addr        netip.Addr   `json:"addr"`                    // that was asked
	Port        uint16       `json:"port"`                    // of the listener
	Zone        string       `json:"zone,omitempty"`          // in which the address is, where that is known
	Scheme      string       `json:"scheme"`                  // what was spoken: tcp, tls, http or https
	Connected   bool         `json:"connected"`               // it took the connection
	Status      int          `json:"status,omitempty"`        // of the answer; 0 where there was none
	Location    string       `json:"location,omitempty"`      // where the answer redirects to; it was not followed
	ConnectMS   float64      `json:"connect_ms,omitempty"`    // milliseconds until it took the connection
	HandshakeMS float64      `json:"handshake_ms,omitempty"`  // milliseconds of the TLS handshake
	FirstByteMS float64      `json:"first_byte_ms,omitempty"` // milliseconds from the request to the first byte of the answer
	Certificate *Certificate `json:"certificate,omitempty"`   // that it showed
	Error       string       `json:"error,omitempty"`         // what went wrong, on one line
	NoRoute     bool         `json:"no_route,omitempty"`      // this machine has no way to such an address, so nothing is known of it
}

const defaultTimeout = 5 * time.Second

var errSlow = errors.New("no answer in time")

// Probe asks one address. What goes wrong is in the result.
func Probe(ctx context.Context, t Target) Result {
	if t.Timeout <= 0 {
		t.Timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.Timeout, fmt.Errorf("%w: %s", errSlow, t.Timeout))
	defer cancel()
	r := Result{Addr: t.Addr.Addr(), Port: t.Addr.Port(), Zone: t.Zone, Scheme: schemeOf(t)}
	conn, err := r.connect(ctx, t)
	if err != nil {
		if r.Scheme == Auto {
			r.Scheme = TCP
		}
		r.NoRoute = noRoute(t.Addr.Addr(), err)
		r.fail(ctx, "connect", err)
		return r
	}
	defer conn.Close()
	switch r.Scheme {
	case HTTP:
		r.request(ctx, t, conn)
	case HTTPS:
		if secure, err := r.handshake(ctx, t, conn); err != nil {
			r.fail(ctx, "TLS handshake", err)
		} else {
			r.request(ctx, t, secure)
		}
	case Auto:
		r.guess(ctx, t, conn)
	}
	return r
}

// schemeOf is what is spoken for sure; auto where that is to be found out.
func schemeOf(t Target) string {
	if t.Scheme != Auto && t.Scheme != "" {
		return t.Scheme
	}
	switch t.Addr.Port() {
	case 443, 8443:
		return HTTPS
	case 80, 8080:
		return HTTP
	default:
		return Auto
	}
}

func (r *Result) connect(ctx context.Context, t Target) (net.Conn, error) {
	began := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.Addr.String())
	if err != nil {
		return nil, err
	}
	r.Connected, r.ConnectMS = true, since(began)
	return conn, nil
}

// guess offers a handshake to somebody who may speak anything. That he does not take it is no fault, nor that he is silent
// until the time is over.
func (r *Result) guess(ctx context.Context, t Target, conn net.Conn) {
	r.Scheme = TCP
	secure, err := r.handshake(ctx, t, conn)
	switch {
	case err != nil:
	case secure.ConnectionState().NegotiatedProtocol != alpn:
		r.Scheme = TLS
	default:
		r.Scheme = HTTPS
		r.request(ctx, t, secure)
	}
}

// alpn is the protocol that a handshake offers: https://www.rfc-editor.org/rfc/rfc7301
const alpn = "http/1.1"

// handshake takes any certificate, for it is to be seen and judged and nothing secret is sent.
func (r *Result) handshake(ctx context.Context, t Target, conn net.Conn) (*tls.Conn, error) {
	began := time.Now()
	secure := tls.Client(conn, &tls.Config{
		ServerName: t.Host, NextProtos: []string{alpn}, InsecureSkipVerify: true,
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	r.HandshakeMS = since(began)
	r.Certificate = certificateOf(secure.ConnectionState().PeerCertificates, t.Host, t.Roots, began)
	return secure, nil
}

// fail says what was tried, and why that failed.
func (r *Result) fail(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	r.Error = what + ": " + brief(plain(err))
}

// plain leaves out what the result says anyway: the network and the addresses.
func plain(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		if call, ok := errors.AsType[*os.SyscallError](op.Err); ok {
			return call.Err.Error()
		}
		return op.Err.Error()
	}
	return err.Error()
}

// noRoute tells whether this machine cannot reach any such address: most machines have no IPv6.
func noRoute(addr netip.Addr, err error) bool {
	return addr.Is6() && (errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL))
}

// brief makes somebody else's words fit for one line.
func brief(text string) string {
	const limit = 300
	text = strings.ToValidUTF8(text[:min(len(text), 4*limit)], "")
	words := []rune(mooring.Printable(strings.Join(strings.Fields(text), " ")))
	if len(words) > limit {
		return string(words[:limit]) + "..."
	}
	return string(words)
}

// since is a time in milliseconds, to a tenth.
func since(began time.Time) float64 {
	return math.Round(float64(time.Since(began).Microseconds())/100) / 10
}

// All asks all of them, at most so many at once, and returns the results in their order.
func All(ctx context.Context, targets []Target, atOnce int) []Result {
	results := make([]Result, len(targets))
	places := make(chan struct{}, max(atOnce, 1))
	var asks mooring.Tasks
	for i, t := range targets {
		asks.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			results[i] = Probe(ctx, t)
		})
	}
	asks.Wait()
	return results
}
