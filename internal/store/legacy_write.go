package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mooring"
)

// LegacyWriteConfig says which older function's state is kept true, where, and by which numbers that function counts.
type LegacyWriteConfig struct {
	Format      string // one of [LegacyWriteFormats]
	Bucket      string
	Owner       string // the account that must own the bucket; "": not checked
	SSE         string // as of [S3Config]
	Partition   string // of the ARNs in what is said of a denied call; "": aws
	Name        string // in the keys. v1, v2: ALB_DNS_NAME; v3: TARGET_FQDN
	TargetGroup string // its ARN; v3 has it in its key
	Port        uint16 // of the binding: with the group it tells whose state it is
	Misses      int    // INVOCATIONS_BEFORE_DEREGISTRATION; 0: its default of 3

	Threshold float64          // of the evidence that proves an absence: [mooring.Policy.Threshold]
	Now       func() time.Time // nil: the wall clock
}

const formatV2 = "v2"

// LegacyWriteFormats lists what can be kept true: the states of AWS's functions of 2018 (v1), 2021 (v2) and 2020 (v3).
func LegacyWriteFormats() []string { return []string{formatV1, formatV2, formatV3} }

// Keys are those that are read and written: v1 and v2 have the pending addresses first, then the active ones.
func (c LegacyWriteConfig) Keys() []string {
	switch c.Format {
	case formatV1:
		return []string{v1Pending(c.Name), v1Active(c.Name)}
	case formatV2:
		return []string{c.Name + v2Pending, c.Name + v2Active}
	default:
		return []string{v3Key(c.Name, c.TargetGroup)}
	}
}

// check wants what the keys are made of to be there.
func (c LegacyWriteConfig) check() error {
	switch {
	case !slices.Contains(LegacyWriteFormats(), c.Format):
		return fmt.Errorf("older function %q: its state cannot be written; want one of %s", c.Format, strings.Join(LegacyWriteFormats(), ", "))
	case c.Bucket == "":
		return errors.New("older function " + c.Format + ": no bucket given")
	case c.Name == "":
		return errors.New("older function " + c.Format + ": no name given")
	case c.TargetGroup == "":
		return errors.New("older function " + c.Format + ": no target group given")
	case !(c.Threshold > 0):
		return fmt.Errorf("older function %s: no absence is proved by %g nats", c.Format, c.Threshold)
	}
	return nil
}

// A legacyState is what an older function would remember in mooring's place.
type legacyState struct {
	addrs  []netip.Addr       // v1, v2: the active ones; v3: all that it tracks. Sorted
	missed map[netip.Addr]int // runs in a row without the address, in the function's own count: at least one, and not yet all
}

func (s legacyState) same(other legacyState) bool {
	return slices.Equal(s.addrs, other.addrs) && maps.Equal(s.missed, other.missed)
}

// state is what the function would remember. Who has gone is in no list.
func (c LegacyWriteConfig) state(m mooring.Memory) legacyState {
	s := legacyState{missed: map[netip.Addr]int{}}
	for _, e := range m.Addresses {
		if !e.GoneSince.IsZero() {
			continue
		}
		if c.lists(m, e) {
			s.addrs = append(s.addrs, e.Addr)
		}
		if n := c.missed(e); n > 0 {
			s.missed[e.Addr] = n
		}
	}
	return s
}

// lists tells whether an address of ours is in the function's list.
//   - v1 lists whom its last run resolved. It registers whoever returns while it is draining, but not who is listed: so
//     nobody is who is missing or on the way out.
//   - v2 lists whom it resolved when it last registered somebody: among those who are still in the group, it makes no odds
//     when that was, and of those who are not, each would be deregistered again in every run.
//   - v3 lets nobody go whom it does not track, so all are. To deregister somebody twice harms nobody.
func (c LegacyWriteConfig) lists(m mooring.Memory, e mooring.Entry) bool {
	_, registered := slices.BinarySearchFunc(m.Left.Addrs, e.Addr, netip.Addr.Compare)
	switch c.Format {
	case formatV1:
		return registered && e.Missed == 0
	case formatV2:
		return registered
	default:
		return true
	}
}

// missed is how many runs of the function a count of mooring's is worth, which is at most
//   - the rounds that missed the address, and one for each run that the function would have had: mooring may run each second;
//   - its share of the proof: a round in which the name showed eight of a hundred addresses says little about one that was
//     not among them, and the function looks up far more;
//   - all of its runs but one, so that nobody leaves before the function itself has missed it.
//
// It is the inverse of what [mooring.Import] does with such a count.
func (c LegacyWriteConfig) missed(e mooring.Entry) int {
	misses := c.misses()
	pace := 1 + int((max(0, e.LastMiss.Sub(e.MissingSince))+c.every()/2)/c.every())
	share := int(min(e.Evidence/c.Threshold, 1)*float64(misses) + 1e-9)
	return max(0, min(e.Missed, pace, share, misses-1))
}

// every is the time between two runs of the function, by its template.
func (c LegacyWriteConfig) every() time.Duration {
	if c.Format == formatV3 {
		return 5 * time.Minute
	}
	return time.Minute
}

func (c LegacyWriteConfig) misses() int {
	if c.Misses < 1 {
		return v3Misses
	}
	return c.Misses
}

// untaken are those of an older function's state who are registered, and of whom the memory knows nothing: that state was never
// taken over, and is the only one to know that they are the function's.
func untaken(was mooring.Import, m mooring.Memory) []netip.Addr {
	listed := slices.AppendSeq(slices.Clone(was.Addrs), maps.Keys(was.Missed))
	slices.SortFunc(listed, netip.Addr.Compare)
	return slices.DeleteFunc(slices.Compact(listed), func(a netip.Addr) bool {
		_, registered := slices.BinarySearchFunc(m.Left.Addrs, a, netip.Addr.Compare)
		_, known := slices.BinarySearchFunc(m.Addresses, a, func(e mooring.Entry, a netip.Addr) int { return e.Addr.Compare(a) })
		return !registered || known
	})
}

// A legacyBody is what an object is to hold.
type legacyBody struct {
	key  string
	body []byte
	read reader
	want mooring.Import // that read finds in it
}

// bodies are the objects of a state as the function itself writes them, in the order of [LegacyWriteConfig.Keys]: with the
// old pending addresses and the new active ones, a count would go on that has ended.
func (c LegacyWriteConfig) bodies(s legacyState, now time.Time) []legacyBody {
	keys := c.Keys()
	if c.Format == formatV3 {
		return []legacyBody{{keys[0], c.countdown(s), readCountdown(c.misses()), mooring.Import{Addrs: s.addrs, Missed: s.missed}}}
	}
	pending, active := pendingBody(s.missed), activeBody(c.Name, s.addrs, now)
	if c.Format == formatV1 { // which encodes twice: json.dump(json.dumps(...))
		pending, active = quote(string(pending)), quote(string(active))
	}
	return []legacyBody{
		{keys[0], pending, readPending, mooring.Import{Missed: s.missed}},
		{keys[1], active, readActive, mooring.Import{Addrs: s.addrs}},
	}
}

// activeBody is Python's json.dumps of the function's list; the time is UTC.
func activeBody(name string, addrs []netip.Addr, now time.Time) []byte {
	list := make([]string, 0, len(addrs))
	for _, a := range addrs {
		list = append(list, `"`+a.String()+`"`)
	}
	return fmt.Appendf(nil, `{"LoadBalancerName": %s, "TimeStamp": "%s", "IPList": [%s], "IPCount": %d}`,
		quote(name), now.UTC().Format(time.DateTime), strings.Join(list, ", "), len(list))
}

func pendingBody(missed map[netip.Addr]int) []byte {
	var counts []string
	for _, a := range slices.SortedFunc(maps.Keys(missed), netip.Addr.Compare) {
		counts = append(counts, fmt.Sprintf(`"%s": %d`, a, missed[a]))
	}
	return []byte("{" + strings.Join(counts, ", ") + "}")
}

// countdown is Python's json.dumps with indent=4 and sort_keys=True: how many more runs may miss each address. It is never
// zero, at which v3 would wait for one for ever.
func (c LegacyWriteConfig) countdown(s legacyState) []byte {
	var counts []string
	for _, a := range s.addrs {
		counts = append(counts, fmt.Sprintf(`    "%s": %d`, a, c.misses()-s.missed[a]))
	}
	if len(counts) == 0 {
		return []byte("{}")
	}
	slices.Sort(counts)
	return []byte("{\n" + strings.Join(counts, ",\n") + "\n}")
}

// quote is a JSON string. Names and JSON itself hold nothing that Python would write in another way.
func quote(s string) []byte {
	body, _ := json.Marshal(s) // a string always marshals
	return body
}
