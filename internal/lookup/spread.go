package lookup

import (
	"math/rand/v2"
	"net/netip"
	"sync"
)

// A spread shares one search's questions evenly among the servers of a zone, and sets those aside that fail.
type spread struct {
	zone zone

	mu    sync.Mutex
	marks map[netip.AddrPort]*mark
	first int      // where the servers begin, by chance: few questions are asked, and not always of the same ones
	last  *Failure // the latest
}

// A mark is what became of the questions to one server.
type mark struct {
	asked, answered, silent int
	shown                   int // answers about the name itself, not about the record all.NAME
	flying                  int // questions that wait for it
	inARow                  int // failures since the last answer
}

func newSpread(z zone) *spread {
	p := &spread{zone: z, marks: map[netip.AddrPort]*mark{}}
	for _, server := range z.servers {
		p.marks[server] = &mark{}
	}
	if len(z.servers) > 0 {
		p.first = rand.IntN(len(z.servers))
	}
	return p
}

// pick chooses the server that was asked least, and another one than before if there is one. No server holds more than
// twice its share of the questions in flight, so that a silent one cannot hold them all. It fails when every server has been
// set aside. Each pick is followed by a release.
func (p *spread) pick(before netip.AddrPort, all bool) (netip.AddrPort, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best netip.AddrPort
	for i := range p.zone.servers {
		server := p.zone.servers[(p.first+i)%len(p.zone.servers)]
		if p.aside(server) {
			continue
		}
		if !best.IsValid() || best == before || server != before && p.freer(server, best) {
			best = server
		}
	}
	if best.IsValid() {
		if !all {
			p.marks[best].asked++
		}
		p.marks[best].flying++
	}
	return best, best.IsValid()
}

// freer tells whether a is the better choice than b.
func (p *spread) freer(a, b netip.AddrPort) bool {
	share := (parallel + len(p.zone.servers) - 1) / len(p.zone.servers)
	most := min(2*share, parallel*3/4)
	fullA, fullB := p.marks[a].flying >= most, p.marks[b].flying >= most
	if fullA != fullB {
		return fullB
	}
	return p.marks[a].asked < p.marks[b].asked
}

// release says that a question waits for the server no more.
func (p *spread) release(server netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marks[server].flying--
}

// aside tells whether a server is asked no more in this search: it was silent, or failed twice in a row.
// The only server of a zone gets a second chance after its first silence.
func (p *spread) aside(server netip.AddrPort) bool {
	m := p.marks[server]
	return m.inARow > 1 || m.inARow > 0 && m.silent > 0 && len(p.zone.servers) > 1
}

// note marks what came of a question, which was about the name itself or about all.NAME.
func (p *spread) note(server netip.AddrPort, f *Failure, all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.marks[server]
	if f == nil {
		m.answered, m.inARow = m.answered+1, 0
		if !all {
			m.shown++
		}
		return
	}
	m.inARow++
	p.last = f
	if f.Class == Timeout {
		m.silent++
	}
}

// failure is the latest failure of any server.
func (p *spread) failure() *Failure {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// lonely tells whether fewer than two servers answered about the name although more were asked or could be.
func (p *spread) lonely() (asked, answered int, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for server, m := range p.marks {
		asked += min(m.asked, 1) // about the name
		answered += min(m.shown, 1)
		more = more || m.shown == 0 && !p.aside(server)
	}
	return asked, answered, more
}

// silent tells whether every server was asked, and none said anything at all.
func (p *spread) silent() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.marks {
		if m.answered > 0 || m.silent == 0 {
			return false
		}
	}
	return len(p.marks) > 0
}
