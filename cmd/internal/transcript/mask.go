package transcript

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

// A Mask replaces what names an account, its people, and their things, always by the same placeholder: so that it can
// still be told that two calls were about the same thing. It goes by the shape of what it finds, and by the names it is
// told. The zero value knows no names. It may be used by several goroutines.
//
// Addresses in the networks that are kept stay, for which subnet one is in matters. A walk keeps those of the stack's own
// VPC, which is gone afterwards, and those that it makes up.
type Mask struct {
	Keep []netip.Prefix

	mu     sync.Mutex
	names  []string          // old, new, as strings.NewReplacer takes them
	stands map[string]string // what was replaced, by what
	counts map[string]int
}

// shortest is the length under which a name may be a part of any word, and is not replaced. Secrets are longer.
const shortest = 8

// Name makes a name be replaced wherever it is found. Longer names are to be told first.
func (m *Mask) Name(name, placeholder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(name) >= shortest && name != placeholder {
		m.names = append(m.names, name, placeholder)
	}
}

// Account is the placeholder for the account of a stack. Others that are found are numbered.
const Account = "123456789012"

type shape struct {
	kind    string
	pattern *regexp.Regexp // its first group, or all of it, is replaced
	stand   func(n int, found string) string
}

// shapes in the order in which they are looked for: what contains other shapes first.
var shapes = []shape{
	// EC2 packs the whole request into the message of a denial: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
	{"secret", regexp.MustCompile(`[A-Za-z0-9+/=_-]{80,}`), func(int, string) string { return "(removed)" }},
	{"key", regexp.MustCompile(`\b(?:A3T[A-Z0-9]|ABIA|ACCA|AGPA|AIDA|AIPA|AKIA|ANPA|ANVA|APKA|AROA|ASCA|ASIA)[A-Z0-9]{12,}\b`), func(int, string) string { return "(removed)" }},
	{"principal", regexp.MustCompile(`arn:[\w-]+:(?:iam|sts)::\d*:(?:user|role|assumed-role|federated-user|root|group)(?:/[\w+=,.@/-]+)?`), func(n int, _ string) string {
		return fmt.Sprintf("arn:aws:iam::%s:role/somebody-%d", Account, n)
	}},
	{"mail", regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+\w`), func(n int, _ string) string { return fmt.Sprintf("somebody-%d@example.com", n) }},
	{"request", regexp.MustCompile(`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`), func(int, string) string {
		return "00000000-0000-4000-8000-000000000000" // of one request only: nothing is the same thing again
	}},
	{"account", regexp.MustCompile(`\b\d{12}\b`), func(n int, found string) string {
		if found == Account {
			return found
		}
		return fmt.Sprintf("%012d", n)
	}},
	{"id", regexp.MustCompile(`\b(?:vpc|subnet|sg|eni|igw|rtb|acl|eipalloc|vpce|i|dopt)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b`), func(n int, found string) string {
		return fmt.Sprintf("%s-%017x", found[:strings.LastIndexByte(found, '-')], n)
	}},
	{"resource", regexp.MustCompile(`\b[0-9a-f]{16}\b`), func(n int, _ string) string { return fmt.Sprintf("%016x", n) }},
	{"balancer", regexp.MustCompile(`-(\d{6,11})\.[a-z0-9-]+\.elb\.amazonaws\.com`), func(n int, _ string) string { return fmt.Sprintf("%010d", n) }},
}

var (
	dotted = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
	colons = regexp.MustCompile(`[0-9a-zA-Z]*:[0-9a-zA-Z:]*:[0-9a-zA-Z]*`) // all of an ARN, too, which is no address
)

// Text returns a text without what must not be told. What it returns it leaves as it is the next time.
func (m *Mask) Text(text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	text = strings.NewReplacer(m.names...).Replace(text)
	for _, s := range shapes {
		text = s.pattern.ReplaceAllStringFunc(text, func(found string) string {
			if groups := s.pattern.FindStringSubmatch(found); len(groups) > 1 {
				return strings.Replace(found, groups[1], m.placeholder(s, groups[1]), 1)
			}
			return m.placeholder(s, found)
		})
	}
	text = dotted.ReplaceAllStringFunc(text, m.address)
	return colons.ReplaceAllStringFunc(text, m.address)
}

// placeholder returns what stands for something; the lock is held.
func (m *Mask) placeholder(s shape, found string) string {
	if stand, ok := m.stands[s.kind+found]; ok {
		return stand
	}
	if m.stands == nil {
		m.stands, m.counts = map[string]string{}, map[string]int{}
	}
	m.counts[s.kind]++
	stand := s.stand(m.counts[s.kind], found)
	m.stands[s.kind+found], m.stands[s.kind+stand] = stand, stand
	return stand
}

// Addr returns the address that stands for another.
func (m *Mask) Addr(a netip.Addr) netip.Addr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return netip.MustParseAddr(m.address(a.Unmap().WithZone("").String()))
}

// address replaces an address that is not kept, by one of the networks that are meant for documents:
// https://www.rfc-editor.org/rfc/rfc5737, https://www.rfc-editor.org/rfc/rfc3849. The lock is held.
func (m *Mask) address(text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil || a.IsUnspecified() {
		return text // a time of day, a version
	}
	for _, p := range m.Keep {
		if p.Contains(a) {
			return text
		}
	}
	if a.Is4() {
		return m.placeholder(shape{kind: "4", stand: func(n int, _ string) string {
			return netip.AddrFrom4([4]byte{203, 0, byte(113 + (n-1)/254), byte((n-1)%254 + 1)}).String()
		}}, a.String())
	}
	return m.placeholder(shape{kind: "6", stand: func(n int, _ string) string { return fmt.Sprintf("2001:db8::%x", n) }}, a.String())
}
