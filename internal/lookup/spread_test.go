package lookup

import (
	"net/netip"
	"testing"
)

func spreadOver(n int) *spread {
	z := zone{apex: "corp.example."}
	for i := range n {
		z.servers = append(z.servers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 53, 0, byte(i + 1)}), 53))
	}
	return newSpread(z)
}

func TestASecondTryGoesToAnotherServer(t *testing.T) {
	p := spreadOver(3)
	for i := range 30 {
		p.marks[p.zone.servers[i%3]].asked -= 20 // the one to be asked next, and again if it were not for the first try
		first, _ := p.pick(netip.AddrPort{}, false)
		second, ok := p.pick(first, false)
		if !ok || second == first {
			t.Fatalf("tried %s, and then %s", first, second)
		}
		p.release(first)
		p.release(second)
	}
	only := spreadOver(1)
	first, _ := only.pick(netip.AddrPort{}, false)
	if second, ok := only.pick(first, false); !ok || second != first {
		t.Errorf("the only server was not tried again: %s", second)
	}
}

func TestQuestionsAreSpreadEvenly(t *testing.T) {
	p := spreadOver(4)
	for range 100 {
		server, _ := p.pick(netip.AddrPort{}, false)
		p.release(server)
	}
	for server, m := range p.marks {
		if m.asked != 25 {
			t.Errorf("%s was asked %d of 100 questions", server, m.asked)
		}
	}
}

func TestNoServerHoldsAllQuestionsInFlight(t *testing.T) {
	for n := 2; n <= 8; n++ {
		p := spreadOver(n)
		stuck := p.zone.servers[0]
		for range 200 {
			if server, _ := p.pick(netip.AddrPort{}, false); server != stuck {
				p.release(server)
			}
		}
		if held := p.marks[stuck].flying; held >= parallel {
			t.Errorf("one of %d servers holds %d questions", n, held)
		}
	}
}

func TestAServerIsSetAside(t *testing.T) {
	silent, refused := &Failure{Class: Timeout}, &Failure{Class: Refused}
	for name, c := range map[string]struct {
		servers int
		notes   []*Failure
		aside   bool
	}{
		"after a silence":                       {2, []*Failure{silent}, true},
		"not after the only server's silence":   {1, []*Failure{silent}, false},
		"after the only server's second":        {1, []*Failure{silent, silent}, true},
		"not after one failure":                 {2, []*Failure{refused}, false},
		"after two failures in a row":           {2, []*Failure{refused, refused}, true},
		"not after two with an answer between":  {2, []*Failure{refused, nil, refused}, false},
		"not while it answers":                  {2, []*Failure{nil, nil}, false},
		"when it is silent after it has failed": {2, []*Failure{refused, silent}, true},
	} {
		p := spreadOver(c.servers)
		server := p.zone.servers[0]
		for _, f := range c.notes {
			p.note(server, f, false)
		}
		if p.aside(server) != c.aside {
			t.Errorf("%s: set aside: %t", name, p.aside(server))
		}
	}
}

func TestAZoneIsSilentOnlyWhenAllItsServersAre(t *testing.T) {
	silent, refused := &Failure{Class: Timeout}, &Failure{Class: Refused}
	for name, c := range map[string]struct {
		first, second []*Failure
		want          bool
	}{
		"both":                        {[]*Failure{silent}, []*Failure{silent}, true},
		"one was not asked":           {[]*Failure{silent}, nil, false},
		"one refuses":                 {[]*Failure{silent}, []*Failure{refused}, false},
		"one answered before that":    {[]*Failure{silent}, []*Failure{nil, silent}, false},
		"one answers":                 {[]*Failure{silent}, []*Failure{nil}, false},
		"neither was asked, nor said": {nil, nil, false},
	} {
		p := spreadOver(2)
		for i, notes := range [][]*Failure{c.first, c.second} {
			for _, f := range notes {
				p.note(p.zone.servers[i], f, false)
			}
		}
		if p.silent() != c.want {
			t.Errorf("%s: silent %t", name, p.silent())
		}
	}
	if spreadOver(0).silent() {
		t.Error("a zone without servers is silent")
	}
}

func TestFourOfFiveIsASoundShare(t *testing.T) {
	for _, c := range []struct {
		clean, failed int
		want          bool
	}{{0, 0, false}, {0, 1, false}, {1, 0, true}, {4, 1, true}, {3, 1, false}, {80, 20, true}, {79, 21, false}} {
		var tl tally
		for range c.clean {
			tl.succeed()
		}
		for range c.failed {
			tl.fail(Failure{Class: Timeout})
		}
		if tl.sound() != c.want {
			t.Errorf("%d clean and %d failed: sound %t", c.clean, c.failed, tl.sound())
		}
	}
}

func TestTheMostFrequentClassSpeaksForTheRound(t *testing.T) {
	var tl tally
	for _, class := range []Class{Refused, ServFail, ServFail, Timeout} {
		tl.fail(Failure{Class: class})
	}
	if got := tl.worst().Class; got != ServFail {
		t.Errorf("%s speaks for the round", got)
	}
}
