package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"mooring/cmd/internal/transcript"
)

// An asker asks name servers, and puts on tape what they answer.
type asker struct {
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	tape     *transcript.Tape
	resolver netip.AddrPort
	servers  []netip.AddrPort // of the zone that the name is in
	name     string
}

const (
	answerTime = 5 * time.Second
	window     = 8  // questions that are under way on one connection, as of internal/lookup
	maxServers = 16 // as of internal/lookup

	patience      = 3   // connections in a row without an answer, after which a server is not asked on
	perConnection = 100 // questions: a server may close a connection that was asked enough
)

// systemResolver is the first one of the system's.
func systemResolver() (netip.AddrPort, error) {
	c, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read the system's resolvers: %w", err)
	}
	for _, server := range c.Servers {
		if a, err := netip.ParseAddr(server); err == nil {
			return netip.AddrPortFrom(a, 53), nil
		}
	}
	return netip.AddrPort{}, errors.New("/etc/resolv.conf names no resolver")
}

// find asks the resolver for the servers of the zone above the name.
func (a *asker) find(ctx context.Context) {
	a.tape.Check(starting)
	_, zone, _ := strings.Cut(a.name, ".")
	named := a.series(ctx, 0, zone, dns.TypeNS, true, 1, false)
	for _, name := range named[0].Names {
		for _, addr := range a.series(ctx, 0, name, dns.TypeA, true, 1, false)[0].Addrs {
			if at := netip.AddrPortFrom(addr, 53); len(a.servers) < maxServers && !slices.Contains(a.servers, at) {
				a.servers = append(a.servers, at)
			}
		}
	}
}

// series asks one server, counted from 1, the same question n times: kept over one connection, or each over a new one.
// Server 0 is the resolver. There are always n answers.
func (a *asker) series(ctx context.Context, server int, name string, kind uint16, tcp bool, n int, kept bool) []transcript.Answer {
	asked := transcript.Asked{Name: name, Type: dns.TypeToString[kind], Server: server, TCP: tcp, Kept: kept}
	question := func() *dns.Msg {
		m := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
		m.RecursionDesired = server == 0
		if !tcp {
			m.SetEdns0(1232, false)
		}
		return m
	}
	return a.tape.Ask(asked, func() (out []transcript.Answer) {
		for silent := 0; len(out) < n && silent < patience && ctx.Err() == nil; {
			batch := 1
			if kept {
				batch = min(n-len(out), perConnection)
			}
			got := a.connection(ctx, a.address(server), tcp, batch, question)
			if silent++; got[0].Rcode != "" {
				silent = 0
			}
			out = append(out, got...)
		}
		for len(out) < n {
			out = append(out, transcript.Answer{Error: "not asked"})
		}
		return out
	})
}

func (a *asker) address(server int) netip.AddrPort {
	if server == 0 {
		return a.resolver
	}
	return a.servers[server-1]
}

// connection asks n questions over one connection, several at a time. What is not answered is an answer without a code. It
// ends with its context, and when nothing that was asked for has come for a while, whatever else comes: what was built costs
// money until the walk is over.
func (a *asker) connection(ctx context.Context, at netip.AddrPort, tcp bool, n int, question func() *dns.Msg) (out []transcript.Answer) {
	fail := func(err error) []transcript.Answer {
		for len(out) < n {
			out = append(out, transcript.Answer{Error: err.Error()})
		}
		return out
	}
	network := "udp"
	if tcp {
		network = "tcp"
	}
	dialing, stop := context.WithTimeout(ctx, answerTime)
	raw, err := a.dial(dialing, network, at.String())
	stop()
	if err != nil {
		return fail(err)
	}
	defer raw.Close()
	ended := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer ended()
	conn := &dns.Conn{Conn: raw, UDPSize: 1232}
	waiting := map[uint16]bool{}
	for sent, answered := 0, -1; len(out) < n; {
		if len(out) != answered {
			answered = len(out)
			if err := raw.SetDeadline(time.Now().Add(answerTime)); err != nil {
				return fail(err)
			}
		}
		for ; sent < n && len(waiting) < window; sent++ {
			m := question()
			for waiting[m.Id] {
				m.Id++
			}
			waiting[m.Id] = true
			if err := conn.WriteMsg(m); err != nil {
				return fail(err)
			}
		}
		m, err := conn.ReadMsg()
		if err != nil {
			return fail(err)
		}
		if waiting[m.Id] {
			delete(waiting, m.Id)
			out = append(out, answerOf(m))
		}
	}
	return out
}

func answerOf(m *dns.Msg) transcript.Answer {
	out := transcript.Answer{Rcode: dns.RcodeToString[m.Rcode], Authoritative: m.Authoritative, Truncated: m.Truncated}
	least := func(ttl uint32) {
		if len(out.Addrs) == 0 || ttl < out.TTL {
			out.TTL = ttl
		}
	}
	for _, rr := range m.Answer {
		switch r := rr.(type) {
		case *dns.A:
			if addr, ok := netip.AddrFromSlice(r.A.To4()); ok {
				least(r.Hdr.Ttl)
				out.Addrs = append(out.Addrs, addr)
			}
		case *dns.AAAA:
			if addr, ok := netip.AddrFromSlice(r.AAAA); ok {
				least(r.Hdr.Ttl)
				out.Addrs = append(out.Addrs, addr)
			}
		case *dns.CNAME:
			out.Names = append(out.Names, strings.TrimSuffix(r.Target, "."))
		case *dns.NS:
			out.Names = append(out.Names, strings.TrimSuffix(r.Ns, "."))
		}
	}
	return out
}
