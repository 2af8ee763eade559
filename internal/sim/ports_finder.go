package sim

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"mooring"
)

// A finder looks names up as the real one does, and asks the world instead of servers.
type finder struct{ p *Process }

const (
	searchNats   = 6.91 // silence that ends a search: one address in a thousand searches is overlooked
	minAnswers   = 8
	wholeAnswers = 2 // plain answers that confirm the record all.NAME, or are asked where each holds everything
	cacheAnswers = 2 // a resolver gives the same again
)

// Find searches every hostname, then goes on asking while a tracked address is missing.
func (f finder) Find(ctx context.Context, tracked func(context.Context) []netip.Addr) mooring.Observation {
	p, second := f.p, f.p.looked()
	if second {
		if err := p.reach(PointLook); err != nil {
			return mooring.Observation{Inconclusive: "timeout: " + err.Error()}
		}
	}
	p.frozen()
	began := p.w.Now()
	p.spend(ctx, p.find)
	fault := p.w.fault(p, CallFind)
	o := mooring.Observation{Hostnames: slices.Sorted(slices.Values(p.binding.Hostnames))}
	var searches []*search
	for i, name := range o.Hostnames {
		if i > 0 && fault == FailPartial {
			continue
		}
		s := &search{question: question{w: p.w, policy: p.policy, name: name, fault: fault, rng: p.find}}
		s.run()
		searches = append(searches, s)
	}
	if !fault.inconclusive() {
		confirm(p.policy, searches, tracked(ctx))
	}
	for _, s := range searches {
		o.Answers = append(o.Answers, s.answers...)
	}
	if fault.inconclusive() {
		o.Inconclusive = string(fault) + ": " + excuses[fault]
	}
	p.sawName(o, began, fault)
	at := PointFound
	if second {
		at = PointLooked
	}
	if err := p.reach(at); err != nil {
		return mooring.Observation{Hostnames: o.Hostnames, Inconclusive: "timeout: " + err.Error()}
	}
	p.tellsName()
	return o
}

// A search is what was learned about one name.
type search struct {
	question
	answers []mooring.Answer
	seen    []netip.Addr
}

// run samples the name until it has been silent about news for long enough.
func (s *search) run() {
	if s.fault.silent() {
		return
	}
	if s.fault == FailTainted {
		defer s.taint()
	}
	if s.w.Zone.All {
		whole := s.whole()
		s.take(whole)
		s.sample(wholeAnswers)
		if slices.Equal(s.seen, whole.Addrs) {
			return
		}
		s.answers[0].Whole = false // it lacks what the plain name showed
	}
	least := minAnswers
	switch {
	case s.w.Zone.Cache > 0:
		least = cacheAnswers
	case s.policy.Answers == mooring.AnswersWhole:
		least = wholeAnswers
	}
	s.sample(least)
	if least == minAnswers && !s.fault.inconclusive() {
		s.search()
	}
}

// taint puts an address among the answers that is not admitted, though the group would take it.
func (s *search) taint() {
	if len(s.answers) > 0 {
		a := &s.answers[0]
		a.Addrs = append([]netip.Addr{notAdmitted}, a.Addrs...)
		slices.SortFunc(a.Addrs, netip.Addr.Compare)
	}
}

func (s *search) sample(n int) {
	for range min(n, s.w.Zone.MaxLookups-s.asked) {
		s.take(s.plain())
	}
}

// search goes on until the silence is deep enough, from the first answer on.
func (s *search) search() {
	silence, known := 0.0, []netip.Addr(nil)
	for i := 0; ; i++ {
		if i == len(s.answers) {
			if s.asked >= s.w.Zone.MaxLookups || silence >= searchNats {
				return
			}
			s.take(s.plain())
		}
		before := len(known)
		known = union(known, s.answers[i].Addrs)
		if len(known) > before {
			silence = 0
			continue
		}
		silence += mooring.Silence(len(s.answers[i].Addrs), len(known))
	}
}

// take keeps an answer.
func (s *search) take(a mooring.Answer) {
	s.answers = append(s.answers, a)
	s.seen = union(s.seen, a.Addrs)
}

func union(sorted, more []netip.Addr) []netip.Addr {
	for _, a := range more {
		if i, ok := slices.BinarySearchFunc(sorted, a, netip.Addr.Compare); !ok {
			sorted = slices.Insert(sorted, i, a)
		}
	}
	return sorted
}

// confirm asks each name on while a tracked address is missing, until this round alone holds its share of
// the proof against it. A resolver is not asked again: it would only repeat itself.
func confirm(policy mooring.Policy, searches []*search, tracked []netip.Addr) {
	for _, s := range searches {
		if s.w.Zone.Cache > 0 || len(s.seen) == 0 {
			continue
		}
		for range s.w.Zone.MaxConfirm {
			missing := unseen(searches, tracked)
			if missing == 0 || s.against(policy, missing) >= policy.RoundShare() {
				break
			}
			s.take(s.plain())
		}
	}
}

// against is the evidence of the plain answers against a missing address.
func (s *search) against(policy mooring.Policy, missing int) (nats float64) {
	for _, a := range s.answers {
		switch {
		case a.Plain && a.Whole:
			return policy.Threshold()
		case a.Plain:
			nats += mooring.Silence(len(a.Addrs), len(s.seen)+missing)
		}
	}
	return nats
}

func unseen(searches []*search, tracked []netip.Addr) (missing int) {
	for _, a := range tracked {
		if !slices.ContainsFunc(searches, func(s *search) bool {
			_, ok := slices.BinarySearchFunc(s.seen, a, netip.Addr.Compare)
			return ok
		}) {
			missing++
		}
	}
	return missing
}

// Find repeats the last look while it is young.
func (f *deaf) Find(ctx context.Context, tracked func(context.Context) []netip.Addr) mooring.Observation {
	if time.Since(f.at) >= 30*time.Second {
		f.last, f.at = f.Finder.Find(ctx, tracked), time.Now()
	}
	return f.last
}
