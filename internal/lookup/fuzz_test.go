package lookup

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const fuzzID = 0x1234

// FuzzAnswer reads whatever a hostile server may send. It must not panic, nor take anything from a message that is no
// answer to the question, nor bring more, or other, than addresses of the question's family in their only form.
func FuzzAnswer(f *testing.F) {
	q := question{"web.corp.example.", dns.TypeA}
	for _, m := range seeds(q) {
		packed, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, true)
		f.Add(packed, false)
	}
	f.Fuzz(func(t *testing.T, packet []byte, six bool) {
		q := q
		if six {
			q.qtype = dns.TypeAAAA
		}
		var m dns.Msg
		if m.Unpack(packet) != nil || !answers(&m, fuzzID, q) {
			return
		}
		for _, zone := range []string{"", "corp.example."} {
			rep, failure := readReply(&m, q, zone)
			if failure != nil && (len(rep.addrs) > 0 || failure.Class == "") {
				t.Errorf("a failure with addresses, or without a class: %v %v", failure, rep)
			}
			if failure == nil {
				checkReply(t, rep, q, zone)
			}
			_ = nameServers(&m, zone)
		}
	})
}

func checkReply(t *testing.T, rep reply, q question, zone string) {
	if (len(rep.addrs) == 0) == (rep.next == "") {
		t.Errorf("want either addresses or a name to go on with: %v", rep)
	}
	if len(rep.addrs) > maxAddrs || len(rep.aliases) > maxLinks || rep.ttl < 0 || rep.ttl > maxTTL {
		t.Errorf("over a limit: %d addresses, %d aliases, TTL %s", len(rep.addrs), len(rep.aliases), rep.ttl)
	}
	if rep.next != "" && zone == "" {
		t.Errorf("a resolver's answer goes on with %s", rep.next)
	}
	if !slices.IsSortedFunc(rep.addrs, netip.Addr.Compare) || len(slices.Compact(slices.Clone(rep.addrs))) != len(rep.addrs) {
		t.Errorf("not sorted, or not unique: %v", rep.addrs)
	}
	for _, a := range rep.addrs {
		if !a.IsValid() || a.Is4In6() || a.Zone() != "" || q.qtype == dns.TypeA && !a.Is4() {
			t.Errorf("%v is not of the only form", a)
		}
	}
}

func seeds(q question) []*dns.Msg {
	reply := func(rrs ...string) *dns.Msg {
		m := &dns.Msg{
			MsgHdr:   dns.MsgHdr{Id: fuzzID, Response: true, Authoritative: true},
			Question: []dns.Question{{Name: q.name, Qtype: q.qtype, Qclass: dns.ClassINET}},
		}
		for _, s := range rrs {
			rr, err := dns.NewRR(s)
			if err != nil {
				panic(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		return m
	}
	truncated := reply()
	truncated.Truncated = true
	return []*dns.Msg{
		reply("web.corp.example. 60 IN A 10.0.0.1", "WEB.corp.example. 60 IN A 10.0.0.1", "web.corp.example. 60 IN A 10.0.0.2"),
		reply("web.corp.example. 60 IN CNAME b.corp.example.", "b.corp.example. 60 IN A 10.0.0.1"),
		reply("web.corp.example. 60 IN CNAME x.other.example.", "x.other.example. 60 IN A 10.0.0.1"),
		reply("web.corp.example. 60 IN CNAME web.corp.example."),
		reply("other.example. 60 IN A 10.0.0.1"),
		reply("web.corp.example. 60 IN AAAA ::ffff:10.0.0.1"),
		truncated,
	}
}

func TestOnlyRecordsThatTheNameLeadsToAreUsed(t *testing.T) {
	q := question{"web.corp.example.", dns.TypeA}
	all := seeds(q)
	for i, want := range []struct {
		addrs int
		next  string
		class Class
	}{{2, "", ""}, {1, "", ""}, {0, "x.other.example.", ""}, {0, "", CNAMELoop}, {0, "", Empty}, {0, "", Empty}, {0, "", Truncated}} {
		rep, f := readReply(all[i], q, "corp.example.")
		class := Class("")
		if f != nil {
			class = f.Class
		}
		if len(rep.addrs) != want.addrs || rep.next != want.next || class != want.class {
			t.Errorf("seed %d: %v %v, want %v", i, rep, f, want)
		}
	}
	if rep, f := readReply(all[2], q, ""); f != nil || len(rep.addrs) != 1 {
		t.Errorf("a resolver's word about another zone is its own: %v %v", rep, f)
	}
}

func TestRecordsOfAnotherClassAreNotUsed(t *testing.T) {
	q := question{"web.corp.example.", dns.TypeA}
	m := seeds(q)[0]
	m.Answer[0].Header().Class = dns.ClassCHAOS
	m.Answer[1].Header().Class = dns.ClassCHAOS
	if rep, f := readReply(m, q, "corp.example."); f != nil || len(rep.addrs) != 1 {
		t.Errorf("%v %v, want the one address of class IN", rep, f)
	}
}

func TestOnlyTheApexsOwnNameServersAreUsed(t *testing.T) {
	var m dns.Msg
	for _, s := range []string{"corp.example. 60 IN NS NS2.corp.example.", "other.example. 60 IN NS ns1.other.example.", "Corp.example. 60 IN NS ns1.corp.example."} {
		rr, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	if got := nameServers(&m, "corp.example."); !slices.Equal(got, []string{"ns1.corp.example.", "ns2.corp.example."}) {
		t.Errorf("name servers %q", got)
	}
}

func TestATTLWithTheTopBitIsNone(t *testing.T) {
	for ttl, want := range map[uint32]time.Duration{0: 0, 60: time.Minute, 1 << 31: 0, 1<<31 - 1: maxTTL} {
		if got := ttlOf(&dns.RR_Header{Ttl: ttl}); got != want {
			t.Errorf("TTL %d is %s, want %s", ttl, got, want)
		}
	}
}

func TestAMessageThatDoesNotMatchIsNoAnswer(t *testing.T) {
	q := question{"web.corp.example.", dns.TypeA}
	for name, change := range map[string]func(*dns.Msg){
		"another id":        func(m *dns.Msg) { m.Id++ },
		"a question":        func(m *dns.Msg) { m.Response = false },
		"another operation": func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify },
		"another name":      func(m *dns.Msg) { m.Question[0].Name = "other.example." },
		"another type":      func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"another class":     func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"no question":       func(m *dns.Msg) { m.Question = nil },
		"two questions":     func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
	} {
		m := seeds(q)[0]
		if !answers(m, fuzzID, q) {
			t.Fatal("the seed itself does not match")
		}
		change(m)
		if answers(m, fuzzID, q) {
			t.Errorf("%s was taken for the answer", name)
		}
	}
}
