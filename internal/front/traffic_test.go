package front_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// The traffic of the benchmarks. A request has requestSize bytes: its kind, a number of bytes that go up or down with
// it, and nothing. The answer to a small one is as long; one to an upload begins when all of it has come.
const (
	requestSize = 100

	kindSmall = 'r'
	kindUp    = 'u'
	kindDown  = 'd'

	chunk = 256 << 10
)

// answer is the target of all traffic.
func answer(c *net.TCPConn) {
	defer func() { _ = c.Close() }()
	request := make([]byte, requestSize)
	for {
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		n := int64(binary.BigEndian.Uint64(request[1:]))
		var err error
		switch request[0] {
		case kindUp:
			err = take(c, n)
		case kindDown:
			err = give(c, n)
		}
		if err == nil && request[0] != kindDown {
			_, err = c.Write(request)
		}
		if err != nil {
			return
		}
	}
}

// take reads n bytes, without a reader's shortcuts.
func take(c net.Conn, n int64) error {
	buffer := make([]byte, chunk)
	for n > 0 {
		got, err := c.Read(buffer[:min(n, chunk)])
		if n -= int64(got); err != nil {
			return err
		}
	}
	return nil
}

func give(c net.Conn, n int64) error {
	buffer := make([]byte, chunk)
	for n > 0 {
		sent, err := c.Write(buffer[:min(n, chunk)])
		if n -= int64(sent); err != nil {
			return err
		}
	}
	return nil
}

// A way leads from a client to the target, through a process or, when direct, none.
type way struct {
	name string
	addr string
	pid  int

	kept net.Conn
	took []time.Duration // by each request or transfer so far
}

func (w *way) dial() (net.Conn, error) { return net.Dial("tcp4", w.addr) }

// large sends n bytes over a connection of its own, up or down.
func (w *way) large(kind byte, n int64) error {
	c, err := w.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	request := make([]byte, requestSize)
	request[0] = kind
	binary.BigEndian.PutUint64(request[1:], uint64(n))
	began := time.Now()
	if _, err := c.Write(request); err != nil {
		return err
	}
	if kind == kindUp {
		err = give(c, n)
		n = requestSize
	}
	err = errors.Join(err, take(c, n))
	w.took = append(w.took, time.Since(began))
	return err
}

// small sends one request and reads the answer.
func small(c net.Conn, message []byte) error {
	message[0] = kindSmall
	if _, err := c.Write(message); err != nil {
		return err
	}
	_, err := io.ReadFull(c, message)
	return err
}

// keptRequest uses one connection for all requests.
func (w *way) keptRequest(message []byte) (err error) {
	if w.kept == nil {
		if w.kept, err = w.dial(); err != nil {
			return err
		}
	}
	return w.timed(func() error { return small(w.kept, message) })
}

// newRequest opens a connection for this request.
func (w *way) newRequest(message []byte) error {
	return w.timed(func() error {
		c, err := w.dial()
		if err != nil {
			return err
		}
		defer c.Close()
		return small(c, message)
	})
}

func (w *way) timed(request func() error) error {
	began := time.Now()
	err := request()
	w.took = append(w.took, time.Since(began))
	return err
}

func (w *way) median() time.Duration {
	slices.Sort(w.took)
	return w.took[len(w.took)/2]
}

func (w *way) best() time.Duration { return slices.Min(w.took) }

// ways are all that lead to one target: directly, through a front and, where it is installed, through haproxy.
func ways(b *testing.B) []*way {
	b.Helper()
	target := serveAll(b, answer)
	all := []*way{{name: "direct", addr: target}, startFront(b, target)}
	all = append(all, startHaproxy(b, target)...)
	b.Cleanup(func() {
		for _, w := range all {
			if w.kept != nil {
				_ = w.kept.Close()
			}
		}
	})
	return all
}

// serveAll is serve for a benchmark, whose connections end with their clients.
func serveAll(b *testing.B, handle func(*net.TCPConn)) (addr string) {
	b.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go handle(c)
		}
	}()
	return l.Addr().String()
}
