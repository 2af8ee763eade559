package sim

import (
	"context"
	"math"
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

	minRepeated, mostlyRepeated = 16, 3 // answers that only repeat the one before, by which servers are given up
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
	var sources []source
	o := mooring.Observation{Hostnames: slices.Sorted(slices.Values(p.binding.Hostnames))}
	zone := p.w.zone().under(fault)
	var searches []*search
	for i, name := range o.Hostnames {
		if i > 0 && fault == FailPartial {
			continue
		}
		s := &search{question: question{w: p.w, policy: p.policy, zone: zone, name: name, fault: fault, rng: p.find}}
		s.run()
		searches = append(searches, s)
	}
	if o.Inconclusive = why(fault, searches); o.Inconclusive == "" {
		confirm(p.policy, searches, tracked(ctx))
		o.Inconclusive = why(fault, searches)
	}
	for _, s := range searches {
		o.Answers = append(o.Answers, s.answers...)
		sources = append(sources, s.sources...)
	}
	p.sawName(o, began, zone, sources)
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

// why says what makes a look inconclusive; "" where nothing does. A name that failed among others is partial.
func why(fault Fault, searches []*search) string {
	if fault.inconclusive() {
		return string(fault) + ": " + excuses[fault]
	}
	var failed []string
	for _, s := range searches {
		if f := s.failure(); f != "" {
			failed = append(failed, string(f)+": "+excuses[f])
		}
	}
	switch len(failed) {
	case 0:
		return ""
	case len(searches):
		return failed[0]
	default:
		return string(FailPartial) + ": " + failed[0]
	}
}

// A search is what was learned about one name.
type search struct {
	question
	answers []mooring.Answer
	seen    []netip.Addr
	tainted bool // an answer held what is not admitted
}

// run samples the name until it has been silent about news for long enough.
func (s *search) run() {
	if s.fault.silent() {
		return
	}
	if s.fault == FailTainted {
		defer s.taint()
	}
	if s.zone.All && s.searchAll() {
		return
	}
	least := minAnswers
	switch {
	case s.zone.Cache > 0:
		least = cacheAnswers * s.zone.resolvers()
	case s.policy.Answers == mooring.AnswersWhole:
		least = wholeAnswers
	}
	s.sample(least)
	if least == minAnswers && !s.fault.inconclusive() {
		s.search()
	}
}

// searchAll asks for the record all.NAME, and tells whether the plain name bears it out.
func (s *search) searchAll() bool {
	whole, ok := s.whole()
	ok = ok && s.take(whole)
	s.sample(wholeAnswers)
	if ok && slices.Equal(s.seen, whole.Addrs) {
		return true
	}
	if ok {
		s.answers[0].Whole = false // it lacks what the plain name showed
	}
	return false
}

// failure is why nothing of this may count against anyone; "" where it may.
func (s *search) failure() Fault {
	servers := map[string]bool{}
	for _, a := range s.answers {
		servers[a.Server] = servers[a.Server] || a.Plain
	}
	switch asked := len(servers) + len(s.errors); {
	case s.fault.inconclusive():
		return s.fault
	case s.tainted:
		return FailTainted
	case len(servers) == 0 && s.last == Lame:
		return FailRefused
	case len(servers) == 0:
		return s.last
	case s.zone.Cache == 0 && asked > 1 && len(servers) < 2:
		return FailFewServers
	default:
		return ""
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

// sample asks n questions. It is false when nobody answered one of them, or when there are no more questions.
func (s *search) sample(n int) bool {
	for range n {
		if s.asked >= s.zone.MaxLookups || !s.askOnce() {
			return false
		}
	}
	return true
}

// askOnce asks one question and keeps its answer. It is false when nobody answers any more.
func (s *search) askOnce() bool {
	a, ok := s.plain()
	if ok {
		s.take(a)
	}
	return ok || s.zone.Cache > 0 && s.turn < cacheAnswers*s.zone.resolvers()
}

// search goes on until the silence is deep enough, from the first answer on.
func (s *search) search() {
	silence, known := 0.0, []netip.Addr(nil)
	for i := 0; ; i++ {
		for i == len(s.answers) {
			if silence >= searchNats || !s.sample(1) {
				return
			}
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

// take keeps an answer, unless it holds an address that is not admitted: then it is discarded whole.
func (s *search) take(a mooring.Answer) bool {
	if slices.ContainsFunc(a.Addrs, func(x netip.Addr) bool { return !s.policy.Admits(x) }) {
		s.tainted = s.tainted || a.Plain
		return false
	}
	s.answers = append(s.answers, a)
	s.seen = union(s.seen, a.Addrs)
	return true
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
		if s.zone.Cache > 0 || len(s.seen) == 0 {
			continue
		}
		for asked := 0; asked < s.zone.MaxConfirm; {
			more := s.wants(policy, unseen(searches, tracked))
			if more == 0 || !s.askTimes(min(more, s.zone.MaxConfirm-asked)) {
				break
			}
			asked += more
		}
	}
}

// wants is how many more answers the round's share of the proof takes, if each brings something.
func (s *search) wants(policy mooring.Policy, missing int) int {
	left := policy.RoundShare() - s.against(policy, missing)
	if missing == 0 || left <= 0 {
		return 0
	}
	return int(math.Ceil(left / max(0.01, mooring.Silence(s.zone.Answer, len(s.seen)+missing))))
}

// askTimes is false as soon as nobody answers.
func (s *search) askTimes(n int) bool {
	for range n {
		if !s.askOnce() {
			return false
		}
	}
	return true
}

// against is the evidence of the plain answers against a missing address; infinite where servers only repeat
// themselves, for then asking on adds nothing.
func (s *search) against(policy mooring.Policy, missing int) (nats float64) {
	repeated := 0
	for i, again := range mooring.Repeats(s.answers) {
		switch a := s.answers[i]; {
		case a.Plain && a.Whole:
			return policy.Threshold()
		case again:
			repeated++
		case a.Plain:
			nats += mooring.Silence(len(a.Addrs), len(s.seen)+missing)
		}
	}
	if repeated >= minRepeated && repeated >= mostlyRepeated*(len(s.answers)-repeated) {
		return math.Inf(1)
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
