package lookup

import (
	"math"
	"net/netip"

	"mooring"
)

const (
	// searchNats is the silence after which a search has seen enough: one in a thousand searches misses somebody.
	searchNats = 6.91
	// minAnswers are asked for in any case: fewer say nothing about how the servers choose.
	minAnswers = 8
	// tolerance is for the order of summation.
	tolerance = 1e-9
)

// A sampler tells when enough answers were seen. It is pure: answers go in, and how many more are wanted comes out.
//
// A name's server shows some of the addresses at a time, and nobody says how many there are. A new address sets
// the silence to 0; an answer of a addresses without news adds -ln(1-a/(d+1)), d addresses being known. No constant
// of 8 addresses an answer is built in, so names that show one random address are searched as thoroughly.
type sampler struct {
	seen    map[netip.Addr]bool
	silence float64
	answers int
	size    int // of the latest answer
}

func (s *sampler) add(addrs []netip.Addr) {
	known := len(s.seen)
	if s.seen == nil {
		s.seen = map[netip.Addr]bool{}
	}
	for _, a := range addrs {
		s.seen[a] = true
	}
	s.answers++
	s.size = len(addrs)
	if len(s.seen) > known {
		s.silence = 0
		return
	}
	s.silence += mooring.Silence(len(addrs), len(s.seen))
}

// wants is how many more answers it takes if none of them brings news; 0 when the search is over.
func (s *sampler) wants() int {
	if s.answers == 0 {
		return minAnswers
	}
	return max(0, minAnswers-s.answers, answersFor(searchNats-s.silence, s.size, len(s.seen)))
}

// answersFor is how many answers of size addresses weigh so many nats, when d addresses are known.
func answersFor(nats float64, size, d int) int {
	if nats <= tolerance {
		return 0
	}
	each := mooring.Silence(size, d)
	if each <= 0 {
		return 1
	}
	return int(min(math.Ceil(nats/each-tolerance), 1<<20))
}
