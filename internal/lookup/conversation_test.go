package lookup_test

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// A talk is name servers that say what a tape says: resolvers and zones' servers alike, over UDP and TCP. The tape is a
// list of turns, each a kind, a length and so many bytes; which of them answers a question depends on the question, the
// server, the transport, and how often it was asked before. Where no turn is meant for a question, the answer is honest.
type talk struct {
	turns []turn
	zone  map[string]string // the honest records, a line each, by name and type
	part  int               // so many of them, by chance, are in one answer; 0: all
	keeps bool              // and each server keeps to the same ones
	rng   *rand.Rand
	takes time.Duration // to answer

	mu    sync.Mutex
	asked map[string]int
	conns []net.Conn
}

type turn struct {
	kind  byte
	about byte // which questions it is meant for
	data  []byte
}

// What a turn is meant for, in the upper half of its first byte.
const (
	anything     = iota << 4
	aboutZones   // questions for name servers
	aboutServers // and for the addresses of these
	aboutHosts   // and for those that are looked up
)

// The kinds of turns.
const (
	honest   = iota
	spoilt   // the honest answer, with bytes of it changed: pairs of a place and a mask
	records  // an honest header with these bytes behind the question, and as many records as the first two say
	raw      // the identity, then these bytes
	noise    // these bytes and nothing else
	silent   // nothing
	hangsUp  // the end of the connection
	strays   // messages that are not the answer, before it: so many
	cutShort // the bit that says truncated
	withCode // this response code, and no records
	lying    // over TCP: a length that does not hold
	unheard  // nobody listens
	repeated // the first record of the answer, so many times a hundred
	kinds
)

func newTalk(tape []byte) *talk {
	t := &talk{zone: map[string]string{}, rng: rand.New(rand.NewPCG(1, 1)), asked: map[string]int{}}
	for len(tape) >= 2 && len(t.turns) < 64 {
		n := min(int(tape[1]), len(tape)-2)
		t.turns = append(t.turns, turn{tape[0] & 15 % kinds, tape[0] & 0x30, tape[2 : 2+n]})
		tape = tape[2+n:]
	}
	for i, apex := range []string{ownZone + ".", elbZone + ".", "other.example."} {
		t.add(apex, "NS ns1."+apex, "NS ns2."+apex)
		t.add("ns1."+apex, "A 192.0.2."+string(rune('1'+i)))
		t.add("ns2."+apex, "A 198.51.100."+string(rune('1'+i)), "AAAA 2001:db8::"+string(rune('1'+i)))
	}
	t.add(ownName+".", "A 10.0.0.1", "A 10.0.0.2", "A 10.0.0.3", "AAAA fd00::1", "AAAA fd00::2")
	t.add("alias."+ownZone+".", "CNAME hop.other.example.")
	t.add("hop.other.example.", "CNAME "+elbName+".")
	t.add(elbName+".", "A 10.0.1.1", "A 10.0.1.2", "AAAA fd00::1:1")
	t.add("all."+elbName+".", "A 10.0.1.1", "A 10.0.1.2", "AAAA fd00::1:1")
	return t
}

func (t *talk) add(name string, records ...string) {
	for _, r := range records {
		kind, _, _ := strings.Cut(r, " ")
		t.zone[name+" "+kind] += name + " 60 IN " + r + "\n"
	}
}

// Dial connects to any server.
func (t *talk) Dial(_ context.Context, network, to string) (net.Conn, error) {
	if t.turn(anything, "dial", network, to).kind == unheard {
		return nil, syscall.ECONNREFUSED
	}
	near, far := net.Pipe()
	t.mu.Lock()
	t.conns = append(t.conns, near, far)
	t.mu.Unlock()
	go func() {
		defer func() { _ = far.Close() }()
		for t.answer(far, network, to) {
		}
	}()
	return near, nil
}

func (t *talk) close() {
	t.mu.Lock()
	for _, c := range t.conns {
		_ = c.Close()
	}
	t.mu.Unlock()
	if t.takes > 0 {
		<-time.After(t.takes) // the answers that nobody waits for any more
	}
}

// turn chooses what answers this time, of the turns that are meant for such a question.
func (t *talk) turn(about byte, words ...string) turn {
	key := strings.Join(words, " ")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked[key]++
	var meant []turn
	for _, one := range t.turns {
		if one.about == anything || one.about == about {
			meant = append(meant, one)
		}
	}
	if len(meant) == 0 {
		return turn{}
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, key)
	return meant[(int(h.Sum32()%1024)+t.asked[key]-1)%len(meant)]
}

func about(q dns.Question) byte {
	switch {
	case q.Qtype == dns.TypeNS:
		return aboutZones
	case strings.HasPrefix(q.Name, "ns"):
		return aboutServers
	default:
		return aboutHosts
	}
}

// answer reads a question and answers it. It is false when the connection is over.
func (t *talk) answer(conn net.Conn, network, to string) bool {
	packet, ok := read(conn, network)
	var q dns.Msg
	if !ok || q.Unpack(packet) != nil || len(q.Question) != 1 {
		return false
	}
	name := dns.CanonicalName(q.Question[0].Name)
	now := t.turn(about(q.Question[0]), name, dns.TypeToString[q.Question[0].Qtype], network, to)
	m := t.honest(&q, name, to)
	if t.takes > 0 {
		<-time.After(t.takes)
	}
	switch now.kind {
	case silent:
		return true
	case hangsUp:
		return false
	case strays:
		for i := range first(now.data) {
			stray := m.Copy()
			stray.Id += uint16(i) + 1
			if !write(conn, network, pack(stray), 0) {
				return false
			}
		}
	case cutShort:
		m.Truncated = true
	case withCode:
		m.Rcode, m.Answer = first(now.data)%24, nil
	case repeated:
		m.Answer = slices.Repeat(m.Answer[:min(1, len(m.Answer))], 100*first(now.data))
	}
	lie := 0
	if now.kind == lying {
		lie = first(now.data) - 128
	}
	return write(conn, network, t.spoil(now, pack(m)), lie)
}

// honest is what an honest server says.
func (t *talk) honest(q *dns.Msg, name, to string) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = !strings.HasPrefix(to, "203.0.113.")
	add := func(key string) (found bool) {
		for line := range strings.Lines(t.zone[key]) {
			rr, err := dns.NewRR(line)
			if err != nil {
				panic(err)
			}
			m.Answer, found = append(m.Answer, rr), true
		}
		return found
	}
	for range 3 {
		if add(name+" "+dns.TypeToString[q.Question[0].Qtype]) || !add(name+" CNAME") {
			break
		}
		name = m.Answer[len(m.Answer)-1].(*dns.CNAME).Target
	}
	if t.part > 0 && about(q.Question[0]) == aboutHosts {
		t.mu.Lock()
		defer t.mu.Unlock()
		rng := t.rng
		if t.keeps {
			h := fnv.New64a()
			_, _ = io.WriteString(h, to)
			rng = rand.New(rand.NewPCG(1, h.Sum64()))
		}
		rng.Shuffle(len(m.Answer), func(i, j int) { m.Answer[i], m.Answer[j] = m.Answer[j], m.Answer[i] })
		m.Answer = m.Answer[:min(t.part, len(m.Answer))]
	}
	return m
}

// askedOf counts the questions for the IPv4 addresses of a name, by server.
func (t *talk) askedOf(name string) map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := map[string]int{}
	for key, n := range t.asked {
		if rest, ok := strings.CutPrefix(key, name+". A "); ok {
			_, to, _ := strings.Cut(rest, " ")
			counts[to] += n
		}
	}
	return counts
}

// spoil changes the bytes of an answer.
func (t *talk) spoil(now turn, packet []byte) []byte {
	switch now.kind {
	case spoilt:
		for pair := range slices.Chunk(now.data, 2) {
			packet[int(pair[0])%len(packet)] ^= pair[len(pair)-1]
		}
	case records:
		end := 12
		for end < len(packet) && packet[end] != 0 {
			end += int(packet[end]) + 1
		}
		n := copy(packet[6:8], now.data)
		packet = append(packet[:min(len(packet), end+5)], now.data[n:]...)
	case raw:
		packet = append(packet[:2], now.data...)
	case noise:
		packet = now.data
	}
	return packet
}

func first(data []byte) int {
	if len(data) == 0 {
		return 0
	}
	return int(data[0])
}

func pack(m *dns.Msg) []byte {
	m.Compress = true
	packet, err := m.Pack()
	if err != nil { // too long
		m.Answer = nil
		packet, _ = m.Pack()
	}
	return packet
}

func read(conn net.Conn, network string) ([]byte, bool) {
	if network == "udp" {
		buf := make([]byte, 1<<16)
		n, err := conn.Read(buf)
		return buf[:n], err == nil
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, false
	}
	packet := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, packet)
	return packet, err == nil
}

func write(conn net.Conn, network string, packet []byte, lie int) bool {
	if network == "udp" {
		packet = packet[:min(len(packet), 4096)] // the reader's buffer: of a packet nothing is left for later
	} else {
		packet = append(binary.BigEndian.AppendUint16(nil, uint16(len(packet)+lie)), packet...)
	}
	_, err := conn.Write(packet)
	return err == nil
}
