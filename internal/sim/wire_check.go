package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mooring"
)

// checkLook holds what a finder says against what the wire carried, and returns where its answers came from.
func (p *Process) checkLook(wi *wire, o mooring.Observation, tracked []netip.Addr, cut bool) []source {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	fail := func(what, format string, args ...any) {
		p.w.breaks(p, "wire: "+what, fmt.Sprintf(format, args...))
	}
	var sources []source
	for _, a := range o.Answers {
		if !a.Plain {
			continue
		}
		s, ok := wi.given[fmt.Sprint(a.Hostname, " ", a.Server, " ", words(a.Addrs))]
		if !ok {
			fail("an answer was given", "%s never said %s under %s", a.Server, words(a.Addrs), wi.plan.Fault)
			continue // it is from nowhere
		}
		if a.TTL < 0 || a.TTL > 7*24*time.Hour || !slices.IsSortedFunc(a.Addrs, netip.Addr.Compare) {
			fail("an answer is in order", "%s with a TTL of %s", words(a.Addrs), a.TTL)
		}
		sources = append(sources, s)
	}
	if wi.asked > p.w.Zone.MaxLookups*len(o.Hostnames)*2+600*len(o.Hostnames) {
		fail("questions are bounded", "%d were asked", wi.asked)
	}
	if cut || p.w.Wire == nil {
		return sources
	}
	switch class, _, _ := strings.Cut(o.Inconclusive, ":"); wi.wants() {
	case Conclusive:
		if class != "" {
			fail("what can be borne is borne", "%s %s: %s", wi.plan.Fault, wi.plan.Place, o.Inconclusive)
		}
	case Inconclusive: // whose zone shows only what is not admitted is asked of the resolvers
		private := wi.plan.Fault == WireForbidden && wi.plan.Place != Everywhere && o.DNS() == "resolver"
		if class == "" && !private {
			fail("what is unclear is inconclusive", "%s %s", wi.plan.Fault, wi.plan.Place)
		}
	case Either:
	}
	if o.Inconclusive == "" {
		wi.checkEnough(o, tracked, fail)
	}
	return sources
}

// wants is what the look must come to. It is only known where the zone itself is well.
func (wi *wire) wants() Wants {
	z := wi.zone
	if z.Cache > 0 || len(z.Failing) > 0 || slices.Contains(z.Added, notAdmitted) || wi.plan.Name != "" || len(wi.p.w.all(wi.p.binding.Hostnames)) == 0 {
		return Either
	}
	some := wi.p.w.Policy.Answers == mooring.AnswersWhole || z.All // then some of the servers are asked only
	if some && wi.plan.Fault == WireForbidden && wi.plan.Place != Everywhere {
		return Either
	}
	return wi.plan.Wants(z.servers())
}

// checkEnough holds a conclusive look against the rules of when a search is over: servers, silence, and proof.
func (wi *wire) checkEnough(o mooring.Observation, tracked []netip.Addr, fail func(string, string, ...any)) {
	policy := wi.p.w.Policy
	for _, name := range o.Hostnames {
		var plain []mooring.Answer
		servers, all := map[string]bool{}, mooring.Answer{}
		for _, a := range o.Answers {
			switch {
			case a.Hostname != name:
			case a.Plain:
				plain, servers[a.Server] = append(plain, a), true
			default:
				all = a
			}
		}
		if len(plain) == 0 || !plain[0].Authoritative {
			continue
		}
		if wi.zone.servers() > 1 && len(servers) < 2 && wi.plan.Fault != WireNoServer && wi.plan.Fault != WirePingPong {
			fail("two servers agree", "%d of %s", len(servers), name)
		}
		if all.Whole && slices.ContainsFunc(plain, func(a mooring.Answer) bool {
			return slices.ContainsFunc(a.Addrs, func(x netip.Addr) bool { return !slices.Contains(all.Addrs, x) })
		}) {
			fail("all.NAME is borne out", "it lacks what %s shows", name)
		}
		if policy.Answers == mooring.AnswersWhole {
			continue
		}
		if nats := silenceOf(plain); !all.Whole && nats < searchNats-1e-6 && len(plain) < wi.zone.MaxLookups/2 {
			fail("a search ends in silence", "%.2f nats after %d answers", nats, len(plain))
		}
		wi.checkProof(o, plain, tracked, fail)
	}
}

// checkProof wants a round's share of the proof against those who are missing, unless servers only repeat themselves.
func (wi *wire) checkProof(o mooring.Observation, plain []mooring.Answer, tracked []netip.Addr, fail func(string, string, ...any)) {
	missing, seen, mine := 0, o.Addrs(), mooring.Observation{Answers: plain}
	for _, a := range tracked {
		if !slices.Contains(seen, a) {
			missing++
		}
	}
	if missing == 0 || wi.zone.Sticky > 0 || len(plain) > 300 {
		return
	}
	nats := 0.0
	for i, again := range mooring.Repeats(plain) {
		if !again {
			nats += mooring.Silence(len(plain[i].Addrs), len(mine.Addrs())+missing)
		}
	}
	share := wi.p.w.Policy.RoundShare()
	if nats < share-1e-6 {
		fail("an absence is confirmed", "%.2f nats of %.2f against %d", nats, share, missing)
	}
	if last := mooring.Silence(len(plain[len(plain)-1].Addrs), len(mine.Addrs())+missing); nats > 3*share+20*last+searchNats*4 {
		fail("no more is asked than is of use", "%.2f nats of %.2f by %d answers", nats, share, len(plain))
	}
}

// silenceOf is for how many nats at the most answers brought nobody new.
func silenceOf(plain []mooring.Answer) (most float64) {
	nats, known := 0.0, []netip.Addr(nil)
	for _, a := range plain {
		before := len(known)
		if known = union(known, a.Addrs); len(known) > before {
			nats = 0
			continue
		}
		nats += mooring.Silence(len(a.Addrs), len(known))
		most = max(most, nats)
	}
	return most
}
