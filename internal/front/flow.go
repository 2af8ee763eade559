package front

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A flow is a client's connection and, once there is one, the connection to a target that belongs to it.
type flow struct {
	client  *net.TCPConn
	tried   []netip.AddrPort // targets
	ended   atomic.Int32     // directions
	dropped atomic.Bool      // the target was the first to end it
	in      atomic.Int64     // bytes from the client,
	out     atomic.Int64     // and to it

	mu     sync.Mutex
	server *net.TCPConn
	dead   bool // it was reset

	trace trace // for watchIdle alone
}

// attach gives the flow its connection to a target, unless it was reset meanwhile.
func (fl *flow) attach(server *net.TCPConn) bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.dead {
		return false
	}
	fl.server = server
	return true
}

func (fl *flow) wasReset() bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.dead
}

func (fl *flow) attached() bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.server != nil
}

// reset ends the flow so that both sides know that it was cut: a half of an answer must not look like a whole one. It
// tells whether it was still to be ended.
func (fl *flow) reset() bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.dead {
		return false
	}
	fl.dead = true
	cut(fl.client)
	if fl.server != nil {
		cut(fl.server)
	}
	return true
}

// cut closes with a reset: RFC 9293 section 3.10.4, ABORT.
func cut(c *net.TCPConn) {
	_ = c.SetLinger(0) // fails only where the connection is gone already
	_ = c.Close()
}

// close closes what both sides have ended.
func (fl *flow) close() {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	_ = fl.client.Close()
	if fl.server != nil {
		_ = fl.server.Close()
	}
}

// pass passes bytes on in both directions, and calls over when both have ended.
func (fl *flow) pass(over func()) {
	half := func(to, from *net.TCPConn, bytes *atomic.Int64) {
		err := carry(to, from, bytes)
		last := fl.ended.Add(1) == 2
		if !last && from == fl.server && !fl.wasReset() {
			fl.dropped.Store(true)
		}
		if err == nil && !last {
			err = to.CloseWrite()
		}
		if err != nil {
			fl.reset()
		}
		if last {
			over()
		}
	}
	go half(fl.server, fl.client, &fl.in)
	go half(fl.client, fl.server, &fl.out)
}

const (
	// bufferSize is kept by each direction of a flow, so it is small.
	bufferSize = 2 << 10
	// bulkAfter is how often in a row a buffer is filled before the kernel is left to copy.
	bulkAfter = 4
)

// carry passes on what comes from one side until it ends. A stream is left to the kernel, which
// copies within itself where it can (splice on Linux), but through a pipe that few flows may have: the memory of an
// unprivileged user's pipes is limited (pipe(7), pipe-user-pages-soft). So a flow waits without one, and after a stream
// the deadline that [flow.look] sets brings it back to waiting so.
func carry(to, from *net.TCPConn, bytes *atomic.Int64) error {
	buffer := make([]byte, bufferSize)
	full := 0
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			sent, failed := to.Write(buffer[:n])
			bytes.Add(int64(sent))
			if failed != nil {
				return failed
			}
		}
		if full++; n < bufferSize {
			full = 0
		}
		if full == bulkAfter && err == nil {
			full, err = 0, stream(to, from, bytes)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			_ = from.SetReadDeadline(time.Time{}) // where it fails, so does the next read
		default:
			return err
		}
	}
}

// stream has the kernel copy until the end, which is io.EOF, or a deadline. Its bytes are counted when it is over.
func stream(to, from *net.TCPConn, bytes *atomic.Int64) error {
	n, err := to.ReadFrom(from)
	bytes.Add(n)
	if err == nil {
		err = io.EOF
	}
	return err
}
