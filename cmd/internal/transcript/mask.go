package transcript

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A Mask replaces what names an account, its people, and their things, always by the same placeholder: so that it can
// still be told that two calls were about the same thing. It knows what may stay, which is little, and replaces the rest:
// a shape that nobody has thought of is replaced, too. Placeholders are numbered as they come, so that nothing can be
// computed from one. The zero value is ready. It may be used by several goroutines.
//
// Of running text plain words stay. A name that looks like one is replaced where it stands in an ARN, a path or the name of
// a host, and from then on everywhere; others have to be told by [Mask.Name].
//
// Addresses in the networks that are kept stay, for which subnet one is in matters. A walk keeps those of the stack's own
// VPC, which is gone afterwards, and those that it makes up.
type Mask struct {
	Keep []netip.Prefix

	mu     sync.Mutex
	told   []string          // in lower case
	stands map[string]string // by what was replaced, in lower case
	counts map[string]int
}

// shortest is the length under which a name may be a part of any word, and is not replaced. Secrets are longer.
const shortest = 8

// Name makes a name be replaced wherever it stands for itself. What contains it is replaced, too, by a placeholder of its own.
func (m *Mask) Name(name, placeholder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(name) >= shortest {
		m.told = append(m.told, strings.ToLower(name))
		m.learn(name, placeholder)
	}
}

// Text returns a text without what must not be told. What it returns it leaves as it is the next time.
func (m *Mask) Text(text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = each(text, gap, m.token) // a name may stand alone before it stands where it is known to be one
	return each(text, gap, m.token)
}

// Host is [Mask.Text] for the name of a host: each label of it that is not public is replaced.
func (m *Mask) Host(name string) string { return m.parts(name, '.') }

// Path is [Mask.Text] for a path.
func (m *Mask) Path(path string) string { return m.parts(path, '/') }

func (m *Mask) parts(text string, between rune) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return each(text, func(r rune) bool { return r == between }, m.part)
}

// Addr returns the address that stands for another.
func (m *Mask) Addr(a netip.Addr) netip.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.address(a)
}

// each replaces what stands between the separators.
func each(text string, between func(rune) bool, replace func(string) string) string {
	var b strings.Builder
	for text != "" {
		end := strings.IndexFunc(text, between)
		if end < 0 {
			end = len(text)
		}
		if end > 0 {
			b.WriteString(replace(text[:end]))
		}
		_, size := utf8.DecodeRuneInString(text[end:])
		b.WriteString(text[end : end+size])
		text = text[end+size:]
	}
	return b.String()
}

// No name and no secret of AWS has such a rune inside; those of edges it may have.
func gap(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()[]{}<>", r) }

const edges = ".,;!?'\"`"

func trimmed(text, cut string, replace func(string) string) string {
	tail := strings.TrimLeft(text, cut)
	core := strings.TrimRight(tail, cut)
	if core == "" {
		return text
	}
	return text[:len(text)-len(tail)] + replace(core) + tail[len(core):]
}

func (m *Mask) token(text string) string {
	return trimmed(text, edges, func(core string) string {
		for _, one := range []string{strings.TrimSuffix(core, ":"), core} { // an address may end with colons of its own
			if a, err := netip.ParseAddr(one); err == nil {
				return m.address(a).String() + core[len(one):]
			}
		}
		return trimmed(core, edges+":", m.core)
	})
}

// core replaces what is between two gaps: as a whole or, where it is put together, each part for itself. No number and no
// word that is not public stays in such a thing, whatever it is.
func (m *Mask) core(text string) string {
	switch {
	case fixed(text) || word.MatchString(text) && !m.named(text):
		return text
	case m.stands[strings.ToLower(text)] != "":
		return m.stands[strings.ToLower(text)]
	}
	if a, err := netip.ParseAddrPort(text); err == nil {
		return netip.AddrPortFrom(m.address(a.Addr()), a.Port()).String()
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return netip.PrefixFrom(m.address(p.Addr()), p.Bits()).String()
	}
	return each(text, func(r rune) bool { return r == '.' || r == '/' || r == ':' }, m.part)
}

// named tells whether a word is, or holds, somebody's name.
func (m *Mask) named(text string) bool {
	text = strings.ToLower(text)
	for _, name := range m.told {
		if strings.Contains(text, name) {
			return true
		}
	}
	return m.stands[text] != ""
}

// part replaces a part of a name, a path or an ARN. The lock is held.
func (m *Mask) part(text string) string {
	if public[text] || placeholder.MatchString(text) || zone.MatchString(text) {
		return text
	}
	if stand := m.stands[strings.ToLower(text)]; stand != "" {
		return stand
	}
	if found := resource.FindStringSubmatch(text); found != nil {
		return m.learn(text, fmt.Sprintf("%s-%017x", found[1], m.next("id")))
	}
	switch {
	case account.MatchString(text):
		return m.learn(text, fmt.Sprintf("%012d", m.next("account")))
	case suffix.MatchString(text):
		return m.learn(text, fmt.Sprintf("%016x", m.next("suffix")))
	default:
		return m.learn(text, fmt.Sprintf("name-%d", m.next("name")))
	}
}

// address returns what stands for an address that is not kept, from the networks that are meant for documents:
// https://www.rfc-editor.org/rfc/rfc5737, https://www.rfc-editor.org/rfc/rfc3849. The lock is held.
func (m *Mask) address(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	for _, p := range m.Keep {
		if p.Contains(a) {
			return a
		}
	}
	if stand := m.stands[a.String()]; stand != "" {
		return netip.MustParseAddr(stand)
	}
	if a.IsUnspecified() {
		return a
	}
	var stand netip.Addr
	if a.Is4() {
		n := m.next("IPv4")
		stand = netip.AddrFrom4([4]byte{203, 0, byte(113 + (n-1)/254), byte((n-1)%254 + 1)})
	} else {
		n := m.next("IPv6")
		stand = netip.MustParseAddr(fmt.Sprintf("2001:db8::%x:%x", n>>16, n&0xffff))
	}
	m.learn(a.String(), stand.String())
	return stand
}

func (m *Mask) next(kind string) int {
	if m.counts == nil {
		m.counts = map[string]int{}
	}
	m.counts[kind]++
	return m.counts[kind]
}

func (m *Mask) learn(name, stand string) string {
	if m.stands == nil {
		m.stands = map[string]string{}
	}
	m.stands[strings.ToLower(name)], m.stands[strings.ToLower(stand)] = stand, stand
	return stand
}
