package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// listen starts all servers.
func (d *DNS) listen() error {
	if err := d.serve(d.root, false, d.handleResolver); err != nil {
		return err
	}
	for _, z := range d.zones {
		for i, s := range z.servers {
			handle := func(w dns.ResponseWriter, req *dns.Msg) { d.handleZone(z, i, w, req) }
			if err := d.serve(s, d.c.NoTCP, handle); err != nil {
				return err
			}
		}
	}
	return nil
}

// serve starts one server on UDP and, if it is to, on TCP, on the same port.
func (d *DNS) serve(s *dnsServer, noTCP bool, handle dns.HandlerFunc) error {
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
	if d.c.Port != 0 {
		at = netip.AddrPortFrom(s.addr, d.c.Port)
	}
	tcp, udp, err := listenBoth(at)
	if err != nil {
		return fmt.Errorf("listen for %s: %w", s.addr, err)
	}
	s.listen = udp.LocalAddr().(*net.UDPAddr).AddrPort()
	d.start(&dns.Server{PacketConn: udp, Handler: handle})
	if noTCP {
		return tcp.Close()
	}
	d.start(&dns.Server{Listener: tcp, Handler: handle})
	return nil
}

// listenBoth finds a port that is free for both.
func listenBoth(at netip.AddrPort) (net.Listener, net.PacketConn, error) {
	var last error
	for range 20 {
		tcp, err := net.Listen("tcp", at.String())
		if err != nil {
			return nil, nil, err
		}
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		if err == nil {
			return tcp, udp, nil
		}
		last = err
		if err := tcp.Close(); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, last
}

// start runs a server until Close.
func (d *DNS) start(s *dns.Server) {
	up, down := make(chan struct{}), make(chan struct{})
	s.NotifyStartedFunc = func() { close(up) }
	go func() {
		defer close(down)
		_ = s.ActivateAndServe() // it fails when its listener is closed, which is how it ends
	}()
	select {
	case <-up:
	case <-down:
	}
	d.closers = append(d.closers, func() {
		_ = s.Shutdown() // an error says that it has ended already
		<-down
	})
}

// Close stops the servers.
func (d *DNS) Close() {
	close(d.closed)
	d.stop()
}

// Stop makes nobody listen, as when the servers' processes have ended, until Restart. What they know stays.
func (d *DNS) Stop() { d.stop() }

// Restart starts the servers again, each where it was. That takes a fixed port.
func (d *DNS) Restart() error {
	if err := d.listen(); err != nil {
		d.stop()
		return fmt.Errorf("start name servers again: %w", err)
	}
	return nil
}

func (d *DNS) stop() {
	for _, end := range d.closers {
		end()
	}
	d.closers = nil
}

// Dial connects to a server by the address it goes by. It is for those who are not told its port.
func (d *DNS) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	want, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	servers := []*dnsServer{d.root}
	for _, z := range d.zones {
		servers = append(servers, z.servers...)
	}
	for _, s := range servers {
		if s.addr == want.Addr() {
			return new(net.Dialer).DialContext(ctx, network, s.listen.String())
		}
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.EHOSTUNREACH}
}

func (d *DNS) handleZone(z *dnsZone, server int, w dns.ResponseWriter, req *dns.Msg) {
	q, tcp, ok := d.received(w, req, z.servers[server], false)
	if !ok {
		return
	}
	d.mu.Lock()
	fault := d.faultAt(q.Name, server)
	answer, authority, rcode := d.authority(z, server, q)
	d.mu.Unlock()
	m := new(dns.Msg).SetRcode(req, rcode)
	m.Authoritative = rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError
	m.Answer, m.Ns = answer, authority
	d.send(w, req, spoil(m, fault, tcp), fault)
}

func (d *DNS) handleResolver(w dns.ResponseWriter, req *dns.Msg) {
	q, tcp, ok := d.received(w, req, d.root, true)
	if !ok {
		return
	}
	d.mu.Lock()
	fault := d.faultAt(q.Name, theResolver)
	answer, rcode := d.recurse(q)
	d.mu.Unlock()
	m := new(dns.Msg).SetRcode(req, rcode)
	m.RecursionAvailable = true
	m.Answer = answer
	d.send(w, req, spoil(m, fault, tcp), fault)
}

// received counts a question, and waits as long as an answer takes.
func (d *DNS) received(w dns.ResponseWriter, req *dns.Msg, s *dnsServer, resolver bool) (dns.Question, bool, bool) {
	if len(req.Question) != 1 {
		return dns.Question{}, false, false
	}
	q := req.Question[0]
	q.Name = dns.CanonicalName(q.Name)
	tcp := w.RemoteAddr().Network() == "tcp"
	d.mu.Lock()
	if len(d.asked) < maxAsked {
		d.asked = append(d.asked, DNSQuestion{
			Name: q.Name[:len(q.Name)-1], Type: dns.TypeToString[q.Qtype], Server: s.addr, TCP: tcp, Resolver: resolver,
		})
	}
	slow := d.slow
	d.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-d.closed:
			return q, tcp, false
		}
	}
	return q, tcp, true
}

// spoil turns an honest message into a faulty one; nil is silence.
func spoil(m *dns.Msg, fault DNSFault, tcp bool) *dns.Msg {
	bare := func(rcode int) *dns.Msg {
		m.Rcode, m.Answer, m.Ns = rcode, nil, nil
		return m
	}
	switch fault {
	case DNSServFail:
		return bare(dns.RcodeServerFailure)
	case DNSRefused:
		return bare(dns.RcodeRefused)
	case DNSNXDomain:
		m.Authoritative = true
		return bare(dns.RcodeNameError)
	case DNSEmpty:
		return bare(dns.RcodeSuccess)
	case DNSSilent:
		return nil
	case DNSTruncated, DNSTruncatedTCP:
		if !tcp || fault == DNSTruncatedTCP {
			m.Truncated = true
			return bare(m.Rcode)
		}
	case DNSWrongID:
		m.Id++
	case DNSWrongQuestion:
		m.Question = []dns.Question{{Name: "other.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
	case DNSNotAuthoritative:
		m.Authoritative = false
	case DNSNone, DNSForged:
	}
	return m
}

// send writes the message, cut to what the asker takes over UDP.
func (d *DNS) send(w dns.ResponseWriter, req, m *dns.Msg, fault DNSFault) {
	if m == nil {
		return
	}
	if fault == DNSForged {
		forged := m.Copy()
		forged.Id++
		forged.Answer = addressRecords(req.Question[0].Name, []netip.Addr{ForgedAddr}, dns.TypeA, time.Minute)
		_ = w.WriteMsg(forged) // the asker may have gone
	}
	if w.RemoteAddr().Network() == "udp" {
		size := dns.MinMsgSize
		if opt := req.IsEdns0(); opt != nil {
			size = max(size, int(opt.UDPSize()))
			m.SetEdns0(1232, false)
		}
		m.Truncate(size)
	}
	_ = w.WriteMsg(m) // the asker may have gone
}
