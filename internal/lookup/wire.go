package lookup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	questionTime = time.Second
	deafFor      = 10 * time.Minute // a server that does not speak TCP is asked over UDP first for so long
	idleFor      = 10 * time.Second // an idle connection is not trusted longer: a firewall may have forgotten it
	maxIdle      = 8                // connections kept for one server
	maxStrays    = 64               // messages ignored while waiting for the answer to one question
	udpSize      = 1232             // fits any path unfragmented: https://www.dnsflagday.net/2020/
)

// A client asks single questions of servers and keeps their connections.
//
// TCP comes first, for an answer over it is hard to forge and is never cut short. Each connection carries one
// question at a time, which every server understands.
type client struct {
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	now      func() time.Time
	patience time.Duration // with one question; questionTime

	mu   sync.Mutex
	idle map[netip.AddrPort][]idleConn
	deaf map[netip.AddrPort]time.Time // who does not speak TCP, and until when that is believed
}

type idleConn struct {
	net.Conn
	since time.Time
}

type result struct {
	msg *dns.Msg
	err error
}

// ask asks one question and returns the message that answers it. An error means that none came in time.
// Recursive resolvers are asked over UDP first, as everybody asks them, and zones' servers over TCP first.
func (c *client) ask(ctx context.Context, server netip.AddrPort, q question, recursive bool) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	if recursive || c.isDeaf(server) {
		return c.udpFirst(ctx, server, q, recursive)
	}
	return c.tcpFirst(ctx, server, q)
}

func (c *client) udpFirst(ctx context.Context, server netip.AddrPort, q question, recursive bool) (*dns.Msg, error) {
	m, err := c.udp(ctx, server, q, recursive)
	if err != nil || !m.Truncated && m.Rcode != dns.RcodeFormatError {
		return m, err
	}
	if whole, err := c.tcp(ctx, server, q, recursive); err == nil {
		return whole, nil
	}
	return m, nil // the reader says what is wrong with it
}

// tcpFirst tries UDP beside TCP when that fails, or has brought nothing after two fifths of the time.
func (c *client) tcpFirst(ctx context.Context, server netip.AddrPort, q question) (*dns.Msg, error) {
	tcp := make(chan result, 1)
	go func() {
		defer func() { // as what comes over the wire may be anything; the process keeps other bindings too
			if v := recover(); v != nil {
				tcp <- result{nil, fmt.Errorf("panic: %v", v)}
			}
		}()
		m, err := c.tcp(ctx, server, q, false)
		tcp <- result{m, err}
	}()
	late := time.NewTimer(c.patience * 2 / 5)
	defer late.Stop()
	select {
	case r := <-tcp:
		if r.err == nil || ctx.Err() != nil {
			return r.msg, r.err
		}
		tcp <- r
	case <-late.C:
	}
	m, err := c.udp(ctx, server, q, false)
	if err != nil || m.Truncated {
		if r := <-tcp; r.err == nil {
			return r.msg, nil
		}
	}
	if err == nil {
		c.setDeaf(server)
	}
	return m, err
}

func (c *client) isDeaf(server netip.AddrPort) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Before(c.deaf[server])
}

func (c *client) setDeaf(server netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf[server] = c.now().Add(deafFor)
}

func (c *client) udp(ctx context.Context, server netip.AddrPort, q question, recursive bool) (*dns.Msg, error) {
	conn, err := c.dial(ctx, "udp", server.String())
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = conn.Close() }() // nothing is left to be flushed
	m := q.message(recursive)
	m.SetEdns0(udpSize, false)
	answer, _, err := exchange(ctx, conn, m, q, packets{conn})
	return answer, err
}

// tcp asks over a kept connection, or a new one. That a server closed a kept one says nothing: a new one is tried
// (RFC 7766 section 6.2.4).
func (c *client) tcp(ctx context.Context, server netip.AddrPort, q question, recursive bool) (*dns.Msg, error) {
	if conn := c.take(server); conn != nil {
		if m, err := c.stream(ctx, server, conn, q, recursive); err == nil || ctx.Err() != nil {
			return m, err
		}
	}
	conn, err := c.dial(ctx, "tcp", server.String())
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return c.stream(ctx, server, conn, q, recursive)
}

// stream asks over a connection, which it then keeps or closes.
func (c *client) stream(ctx context.Context, server netip.AddrPort, conn net.Conn, q question, recursive bool) (*dns.Msg, error) {
	m, reusable, err := exchange(ctx, conn, q.message(recursive), q, frames{conn})
	if err != nil || !reusable {
		_ = conn.Close() // an answer may still come over it, so it cannot be used again
		return m, err
	}
	c.keep(server, conn)
	return m, nil
}

// take returns the kept connection that was used last; nil where there is none.
func (c *client) take(server netip.AddrPort) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.idle[server]
	if len(kept) == 0 {
		return nil
	}
	c.idle[server] = kept[:len(kept)-1]
	return kept[len(kept)-1].Conn
}

func (c *client) keep(server netip.AddrPort, conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle[server]) >= maxIdle {
		_ = conn.Close()
		return
	}
	c.idle[server] = append(c.idle[server], idleConn{conn, c.now()})
}

// prune closes the connections that were idle for too long. Each round begins with it.
func (c *client) prune() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for server, kept := range c.idle {
		fresh := kept[:0]
		for _, conn := range kept {
			if c.now().Sub(conn.since) < idleFor {
				fresh = append(fresh, conn)
				continue
			}
			_ = conn.Close()
		}
		c.idle[server] = fresh
		if len(fresh) == 0 {
			delete(c.idle, server)
		}
	}
}

func (q question) message(recursive bool) *dns.Msg {
	return &dns.Msg{
		MsgHdr:   dns.MsgHdr{Id: dns.Id(), RecursionDesired: recursive},
		Question: []dns.Question{{Name: q.name, Qtype: q.qtype, Qclass: dns.ClassINET}},
	}
}

// exchange sends m and waits for its answer. What is not its answer is ignored. The connection is reusable
// when nothing can come over it any more.
func exchange(ctx context.Context, conn net.Conn, m *dns.Msg, q question, wire transport) (_ *dns.Msg, reusable bool, _ error) {
	packed, err := m.Pack()
	if err != nil {
		return nil, false, fmt.Errorf("pack question: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	if err := wire.write(packed); err != nil {
		stop()
		return nil, false, fmt.Errorf("send question: %w", err)
	}
	for range maxStrays {
		packet, err := wire.read()
		if err != nil {
			stop()
			return nil, false, fmt.Errorf("await answer: %w", err)
		}
		var answer dns.Msg
		if answer.Unpack(packet) == nil && answers(&answer, m.Id, q) {
			return &answer, stop(), nil
		}
	}
	stop()
	return nil, false, errors.New("await answer: too many messages that are not it")
}

// A transport carries messages over a connection.
type transport interface {
	write(message []byte) error
	read() ([]byte, error)
}

// packets are UDP's: one a message.
type packets struct{ net.Conn }

func (p packets) write(message []byte) error {
	_, err := p.Write(message)
	return err
}

func (p packets) read() ([]byte, error) {
	buf := make([]byte, 4096) // some servers send more than they were asked for
	n, err := p.Read(buf)
	return buf[:n], err
}

// frames are TCP's: each message follows its length (RFC 1035 section 4.2.2).
type frames struct{ net.Conn }

func (f frames) write(message []byte) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, len(message)+2), uint16(len(message)))
	_, err := f.Write(append(framed, message...))
	return err
}

func (f frames) read() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(f, size[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(f, message)
	return message, err
}
