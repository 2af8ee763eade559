package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	requestTime = 10 * time.Second       // for a request, its connection included
	pause       = 10 * time.Millisecond  // at most, between two requests of a worker: they must not march in step
	pinnedEvery = 100 * time.Millisecond // each pinned address is asked
	maxBody     = 1 << 16
)

// A Failure is a request that failed.
type Failure struct {
	At      time.Duration // in the story's time
	Chapter int           // of the story, from 1; 0: before the first
	What    string        // the status, or the error
	Node    string        // whose answer it was; "" where that is not known
	TimeOut bool          // nothing came in time
}

// String says what failed and when.
func (f Failure) String() string {
	if f.Node == "" {
		return fmt.Sprintf("at %s: %s", clock(f.At), f.What)
	}
	return fmt.Sprintf("at %s: %s from %s", clock(f.At), f.What, f.Node)
}

// A counter counts the requests of one client, and keeps the first failure.
type counter struct {
	failed  func(Failure) // told of the first one, and of no other
	chapter func() int    // of the story, now

	mu    sync.Mutex
	tally Tally
	first *Failure
}

func (c *counter) count(at time.Duration, node string, err error) {
	c.mu.Lock()
	c.tally.Requests++
	var first *Failure
	if err != nil {
		c.tally.Failures++
		if c.first == nil {
			var failure net.Error
			late := errors.As(err, &failure) && failure.Timeout()
			first = &Failure{At: at, Chapter: c.chapter(), What: reason(err), Node: node, TimeOut: late}
			c.first = first
		}
	}
	c.mu.Unlock()
	if first != nil {
		c.failed(*first)
	}
}

func (c *counter) get() (Tally, *Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tally, c.first
}

// reason is an error without the addresses of loopback, which say nothing in the story.
func reason(err error) string {
	var errno syscall.Errno
	var op *net.OpError
	switch {
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded): // not fetch's own limit
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Sprintf("no connection within %s", requestTime)
	default:
		return fmt.Sprintf("no answer within %s", requestTime)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before an answer"
	case errors.As(err, &errno):
		return errno.Error()
	default:
		return err.Error()
	}
}

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// fetch asks for one page over a connection of its own, and waits until the other side has closed it. Whoever closes
// first keeps the port for a while (RFC 9293 section 3.6.1); the client has too few for that.
func fetch(ctx context.Context, dial dialer, addr, path string) (node string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n", path); err != nil {
		return "", err
	}
	r := bufio.NewReader(io.LimitReader(conn, maxBody))
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	node = answer.Header.Get(nodeName)
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return node, err
	}
	if answer.StatusCode != http.StatusOK {
		return node, fmt.Errorf("status %d", answer.StatusCode)
	}
	_, err = io.Copy(io.Discard, r)
	return node, err
}

// A load is the client of the fixed address: a changing number of workers, each of which asks again as soon as it has
// its answer.
type load struct {
	fixed string
	told  *counter
	now   func() time.Duration

	mu      sync.Mutex
	workers []chan struct{}
	all     sync.WaitGroup
}

// set starts or stops workers. A request that was begun is finished.
func (l *load) set(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.workers) > n {
		close(l.workers[len(l.workers)-1])
		l.workers = l.workers[:len(l.workers)-1]
	}
	for len(l.workers) < n {
		stop := make(chan struct{})
		l.workers = append(l.workers, stop)
		l.all.Go(func() { l.work(stop) })
	}
}

func (l *load) work(stop <-chan struct{}) {
	for rest(stop, rand.N(pause)) {
		node, err := fetch(context.Background(), new(net.Dialer).DialContext, l.fixed, workPath)
		l.told.count(l.now(), node, err)
	}
}

// rest waits, and is false when it was told to stop.
func rest(stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

func (l *load) close() {
	l.set(0)
	l.all.Wait()
}

// A pinned is the client that pinned the first addresses: it asks each of them, whatever the name shows.
type pinned struct {
	dial dialer
	told *counter
	now  func() time.Duration
	stop chan struct{}
	all  sync.WaitGroup

	mu   sync.Mutex
	last map[netip.Addr]bool // whether the last request to it was answered
}

func (p *pinned) start(addrs []netip.Addr) {
	for _, a := range addrs {
		p.all.Go(func() {
			for rest(p.stop, pinnedEvery) {
				_, err := fetch(context.Background(), p.dial, netip.AddrPortFrom(a, port).String(), lightPath)
				p.told.count(p.now(), a.String(), err)
				p.mu.Lock()
				p.last[a] = err == nil
				p.mu.Unlock()
			}
		})
	}
}

func (p *pinned) close() {
	close(p.stop)
	p.all.Wait()
}

// answering counts the addresses that were asked, and those of them whose last answer was good.
func (p *pinned) answering() (good, asked int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ok := range p.last {
		if ok {
			good++
		}
	}
	return good, len(p.last)
}
