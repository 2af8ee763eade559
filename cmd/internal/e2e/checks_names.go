package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"mooring/cmd/internal/chance"
	"mooring/cmd/internal/transcript"
)

// everyServer asks all servers of the zone at once, count questions together.
func (w *walk) everyServer(ctx context.Context, count int, kept bool) [][]transcript.Answer {
	out := make([][]transcript.Answer, len(w.asker.servers))
	each := (count + len(out) - 1) / len(out)
	w.tape.Together(func() {
		var wg sync.WaitGroup
		for i := range out {
			wg.Go(func() { out[i] = w.asker.series(ctx, i+1, w.asker.name, dns.TypeA, true, each, kept) })
		}
		wg.Wait()
	})
	return out
}

// sets are the addresses of the answers that came from the zone. Where something on the way answers in its place, as the
// networks of some providers do, there is no authority.
func sets(answers []transcript.Answer) (out [][]netip.Addr) {
	for _, a := range answers {
		if a.Rcode == "NOERROR" && a.Authoritative && !a.Truncated && len(a.Addrs) > 0 {
			out = append(out, a.Addrs)
		}
	}
	return out
}

func union(lists ...[]netip.Addr) []netip.Addr {
	all := slices.Concat(lists...)
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

func (w *walk) randomAnswers(ctx context.Context) (verdict, error) {
	servers := w.everyServer(ctx, w.answers, false)
	all := sets(w.asker.series(ctx, 1, "all."+w.asker.name, dns.TypeA, true, 1, false))
	w.seen = nil
	for _, answers := range servers {
		w.seen = append(w.seen, sets(answers)...)
	}
	w.stack.Nodes = union(append(slices.Clone(w.seen), all...)...)
	return w.judge(servers)
}

func (w *walk) oneConnection(ctx context.Context) (verdict, error) {
	return w.judge(w.everyServer(ctx, w.answers, true))
}

// judge tests the answers of each server in their order, and those of all servers in turns, for which a shared sequence
// would show.
func (w *walk) judge(servers [][]transcript.Answer) (verdict, error) {
	nodes := w.stack.Nodes
	var series, turns [][]netip.Addr
	asked := 0
	for i := range servers[0] {
		for s := range servers {
			turns = append(turns, sets(servers[s][i:i+1])...)
		}
	}
	for _, answers := range servers {
		series = append(series, sets(answers)...)
		asked += len(answers)
	}
	if len(series) < asked*9/10 {
		return found(untried, "only %d of %d questions were answered by the zone with addresses", len(series), asked), nil
	}
	tests := map[string]chance.Test{}
	note := func(name string, t chance.Test, ok bool) {
		if ok {
			tests[name] = t
		}
	}
	fit, ok := chance.Appearances(series, nodes)
	note("appearances", fit, ok)
	for lag := 1; lag <= 3; lag++ {
		fit, ok = chance.Overlaps(series, len(nodes), lag)
		note(fmt.Sprintf("overlaps of answers %d apart", lag), fit, ok)
	}
	fit, ok = chance.Overlaps(turns, len(nodes), 1)
	note("overlaps of servers in turns", fit, ok)
	if len(tests) == 0 {
		return found(untried, "each of %d answers holds all %d nodes: it takes a load balancer with more than 8", len(series), len(nodes)), nil
	}
	v := found(holds, "%d answers of %s of %d nodes: %s", len(series), sizesOf(series), len(nodes), told(tests))
	v.Tests = tests
	for _, t := range tests {
		if !t.Random() {
			v.Outcome = differs
		}
	}
	return v, nil
}

func sizesOf(answers [][]netip.Addr) string {
	least, most := len(answers[0]), 0
	for _, a := range answers {
		least, most = min(least, len(a)), max(most, len(a))
	}
	if least == most {
		return fmt.Sprint(most)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

func told(tests map[string]chance.Test) string {
	var out []string
	for name, t := range tests {
		out = append(out, fmt.Sprintf("%s p = %.2g", name, t.P))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func (w *walk) allRecord(ctx context.Context) (verdict, error) {
	answers := w.asker.series(ctx, 1, "all."+w.asker.name, dns.TypeA, true, 1, false)
	_ = w.asker.series(ctx, 1, "all."+w.asker.name, dns.TypeAAAA, true, 1, false) // for the transcript: nobody knows
	plain := union(w.seen...)
	whole := union(answers[0].Addrs)
	switch {
	case answers[0].Rcode == "":
		return found(untried, "no answer: %s", answers[0].Error), nil
	case len(whole) == 0:
		return found(differs, "all.NAME answers %s without an address", answers[0].Rcode), nil
	case len(plain) == 0:
		return found(untried, "the plain name was not sampled"), nil
	}
	lacks := missing(plain, whole)
	if len(lacks) > 0 {
		return found(differs, "all.NAME lacks %d of %d nodes that the name shows", len(lacks), len(plain)), nil
	}
	interfaces, err := w.interfaces(ctx)
	switch {
	case err != nil:
		return found(holds, "all.NAME holds the %d nodes that %d answers showed, and %d more; the network interfaces were not read: %v",
			len(plain), len(w.seen), len(whole)-len(plain), err), nil
	case len(missing(interfaces, whole)) > 0:
		return found(differs, "all.NAME lacks %d of the load balancer's %d network interfaces", len(missing(interfaces, whole)), len(interfaces)), nil
	default:
		return found(holds, "all.NAME, the name and the network interfaces show the same %d nodes", len(whole)), nil
	}
}

// missing are those of want that are not in have.
func missing(want, have []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(want), func(a netip.Addr) bool { return slices.Contains(have, a) })
}

func (w *walk) zoneServers(ctx context.Context) (verdict, error) {
	var silent []string
	for i := range w.asker.servers {
		for _, tcp := range []bool{true, false} {
			a := w.asker.series(ctx, i+1, w.asker.name, dns.TypeA, tcp, 1, false)[0]
			if a.Rcode != "NOERROR" || !a.Authoritative {
				silent = append(silent, fmt.Sprintf("server %d over %s: %s%s", i+1, map[bool]string{true: "TCP", false: "UDP"}[tcp], a.Rcode, a.Error))
			}
		}
	}
	n := len(w.asker.servers)
	switch {
	case n < 2:
		return found(differs, "the zone has %d server", n), nil
	case len(silent) > 0:
		return found(differs, "%d addresses of servers; from here %s", n, strings.Join(silent, "; ")), nil
	default:
		return found(holds, "%d addresses of servers answer over TCP and UDP with authority, from where the walk runs", n), nil
	}
}

func (w *walk) ttl(ctx context.Context) (verdict, error) {
	seen := map[uint32]int{}
	for i := range w.asker.servers {
		for _, a := range w.asker.series(ctx, i+1, w.asker.name, dns.TypeA, true, 5, false) {
			if len(a.Addrs) > 0 {
				seen[a.TTL]++
			}
		}
	}
	switch {
	case len(seen) == 0:
		return found(untried, "nobody answered"), nil
	case len(seen) == 1 && seen[60] > 0:
		return found(holds, "60 s in %d answers", seen[60]), nil
	default:
		return found(differs, "answers by their TTL: %v", seen), nil
	}
}

func (w *walk) resolverTTL(ctx context.Context) (verdict, error) {
	const questions, apart = 40, 3 * time.Second
	var last transcript.Answer
	odd, repeats, came := 0, 0, 0
	for range questions {
		a := w.asker.series(ctx, 0, w.asker.name, dns.TypeA, false, 1, false)[0]
		if a.Rcode == "NOERROR" && len(a.Addrs) > 0 {
			came++
			same := slices.Equal(union(a.Addrs), union(last.Addrs))
			switch {
			case same && a.TTL <= last.TTL:
				repeats++
			case came > 1 && a.TTL < 60-uint32(apart.Seconds()): // neither a repetition nor asked anew
				odd++
			}
			last = a
		}
		if err := w.clock.Wait(ctx, apart); err != nil {
			return verdict{}, err
		}
	}
	switch {
	case came < questions/2:
		return found(untried, "the system's resolver gave %d answers to %d questions", came, questions), nil
	case odd > 0:
		return found(differs, "%d of %d answers of the system's resolver were old and not the last one: several caches", odd, came), nil
	default:
		return found(holds, "%d of %d answers of the system's resolver repeated the last one with a TTL that counted down; the others were new", repeats, came), nil
	}
}
