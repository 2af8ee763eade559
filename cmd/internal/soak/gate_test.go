//go:build linux

package soak_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A gate stands before a server, always at the same address. Closed, nobody listens there and every connection is reset;
// held, connections are taken and nothing goes through.
type gate struct {
	t    testing.TB
	addr string // of the gate
	to   string // of the server

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	held     chan struct{} // nil: everything goes through
}

func newGate(t testing.TB, to string) *gate {
	g := &gate{t: t, addr: "127.0.0.1:0", to: to, conns: map[net.Conn]bool{}}
	g.open()
	t.Cleanup(g.close)
	return g
}

func (g *gate) open() {
	listener, err := net.Listen("tcp", g.addr)
	if err != nil {
		g.t.Errorf("open the gate again: %v", err)
		return
	}
	g.mu.Lock()
	g.listener, g.addr = listener, listener.Addr().String()
	g.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go g.pass(conn)
		}
	}()
}

func (g *gate) close() {
	g.release()
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.listener.Close()
	for conn := range g.conns {
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset, as of a process that was killed
		_ = conn.Close()
	}
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = make(chan struct{})
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil {
		close(g.held)
		g.held = nil
	}
}

func (g *gate) waiting() chan struct{} { g.mu.Lock(); defer g.mu.Unlock(); return g.held }

func (g *gate) pass(near net.Conn) {
	far, err := net.DialTimeout("tcp", g.to, 10*time.Second)
	if err != nil {
		_ = near.Close()
		return
	}
	g.keep(near, far)
	defer g.drop(near, far)
	var both sync.WaitGroup
	both.Go(func() { g.copy(far, near) })
	both.Go(func() { g.copy(near, far) })
	both.Wait()
}

func (g *gate) copy(to, from net.Conn) {
	buf := make([]byte, 1<<15)
	for {
		n, err := from.Read(buf)
		if held := g.waiting(); held != nil {
			<-held
		}
		if _, failed := to.Write(buf[:n]); err != nil || failed != nil {
			_ = to.Close()
			return
		}
	}
}

func (g *gate) keep(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		g.conns[c] = true
	}
}

func (g *gate) drop(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(g.conns, c)
	}
}
