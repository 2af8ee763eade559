package probe

import (
	"context"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// maxHeader is how much of an answer is read. Its body is not.
const maxHeader = 16 << 10

// request sends one request over a connection. No proxy is asked, no redirect followed, and nothing tried again.
func (r *Result) request(ctx context.Context, t Target, conn net.Conn) {
	req, err := requestOf(ctx, t, r.Scheme)
	if err != nil {
		r.fail(ctx, "request", err)
		return
	}
	transport := &http.Transport{ // it dials once, for it tries again only over a connection that it used before
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeader,
	}
	defer transport.CloseIdleConnections()
	began := time.Now()
	var first atomic.Uint64 // the transport may tell of it when the request is over, where the answer comes with the end of the time
	reply, err := transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotFirstResponseByte: func() { first.Store(math.Float64bits(since(began))) },
	})))
	r.FirstByteMS = math.Float64frombits(first.Load())
	if err != nil {
		r.fail(ctx, "request", err)
		return
	}
	defer reply.Body.Close()
	r.Status, r.Location = reply.StatusCode, brief(reply.Header.Get("Location"))
}

// requestOf is the request that a client with this name would send. To the transport it is plain in any case: it gets the
// connection as it is.
func requestOf(ctx context.Context, t Target, scheme string) (*http.Request, error) {
	where, err := url.ParseRequestURI(t.Path)
	if err != nil {
		return nil, err
	}
	where.Scheme, where.Host = "http", t.Addr.String()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Host = hostHeader(t, scheme)
	req.Header.Set("User-Agent", "mooring-verify")
	req.Header.Set("Accept", "*/*")
	return req, nil
}

// hostHeader names the port where it is not the scheme's own: https://www.rfc-editor.org/rfc/rfc9110#section-7.2
func hostHeader(t Target, scheme string) string {
	host, port := t.Host, t.Addr.Port()
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		host = "[" + host + "]"
	}
	if scheme == HTTPS && port == 443 || scheme == HTTP && port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(int(port))
}
