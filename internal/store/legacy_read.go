package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"mooring"
)

const (
	maxLegacySize  = 1 << 20
	maxLegacyAddrs = 500  // a load balancer shows at most 100
	maxLegacyMiss  = 1000 // v2 never stops to count; more says nothing more
)

// A reader adds what an object holds to an import, which it leaves as it was where the object is unreadable.
type reader func(object, *mooring.Import) error

func readActive(o object, into *mooring.Import) error {
	addrs, err := decodeActive(o.body)
	if err == nil {
		into.Addrs = slices.Clip(addrs)
	}
	return err
}

func readPending(o object, into *mooring.Import) error {
	missed, err := decodePending(o.body)
	if err == nil {
		into.Missed, into.At = missed, o.modified
	}
	return err
}

// readCountdown reads what v3 tracks: all that it registered, each with how many more runs may miss it.
func readCountdown(misses int) reader {
	return func(o object, into *mooring.Import) error {
		addrs, missed, err := decodeCountdown(o.body, misses)
		if err == nil {
			into.Addrs, into.Missed, into.At = addrs, missed, o.modified
		}
		return err
	}
}

// decodeActive reads the addresses that an older function registered.
func decodeActive(body []byte) ([]netip.Addr, error) {
	var list struct{ IPList []string }
	if err := unwrap(body, &list); err != nil {
		return nil, err
	}
	if list.IPList == nil {
		return nil, errors.New("no IPList")
	}
	if len(list.IPList) > maxLegacyAddrs {
		return nil, fmt.Errorf("%d addresses, over the limit of %d", len(list.IPList), maxLegacyAddrs)
	}
	addrs := make([]netip.Addr, 0, len(list.IPList))
	for _, text := range list.IPList {
		addr, err := parseAddr(text)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs), nil
}

// decodePending reads how many runs in a row an older function did not see an address.
func decodePending(body []byte) (map[netip.Addr]int, error) {
	counts, err := decodeCounts(body)
	if err != nil {
		return nil, err
	}
	missed := make(map[netip.Addr]int, len(counts))
	for text, n := range counts {
		addr, err := parseAddr(text)
		if err != nil {
			return nil, err
		}
		if n < 0 {
			return nil, fmt.Errorf("%s missed %d times", addr, n)
		}
		lower(missed, addr, int(min(n, maxLegacyMiss)))
	}
	return missed, nil
}

// decodeCountdown reads how many more runs may miss an address, and returns how many of misses already did.
// Who has none left, or no number, missed all of them. All addresses are v3's own.
func decodeCountdown(body []byte, misses int) ([]netip.Addr, map[netip.Addr]int, error) {
	if misses < 1 {
		misses = v3Misses
	}
	all := int64(min(misses, maxLegacyMiss))
	counts, err := decodeCounts(body)
	if err != nil {
		return nil, nil, err
	}
	missed := make(map[netip.Addr]int, len(counts))
	for text, n := range counts {
		addr, err := parseAddr(text)
		if err != nil {
			return nil, nil, err
		}
		lower(missed, addr, int(all-min(max(n, 0), all)))
	}
	addrs := slices.SortedFunc(maps.Keys(missed), netip.Addr.Compare)
	maps.DeleteFunc(missed, func(_ netip.Addr, n int) bool { return n == 0 })
	return addrs, missed, nil
}

const v3Misses = 3 // v3's INVOCATIONS_BEFORE_DEREGISTRATION where it is not set

// decodeCounts reads a number for each address.
func decodeCounts(body []byte) (map[string]int64, error) {
	var counts map[string]int64
	if err := unwrap(body, &counts); err != nil {
		return nil, err
	}
	if len(counts) > maxLegacyAddrs {
		return nil, fmt.Errorf("%d addresses, over the limit of %d", len(counts), maxLegacyAddrs)
	}
	return counts, nil
}

// lower counts n runs for addr. Of an address that is there twice the lower count stands, which removes later.
func lower(missed map[netip.Addr]int, addr netip.Addr, n int) {
	if other, twice := missed[addr]; !twice || n < other {
		missed[addr] = n
	}
}

// unwrap decodes JSON, or JSON within a JSON string: the function of 2018 encoded twice.
func unwrap(body []byte, into any) error {
	if len(body) > maxLegacySize {
		return fmt.Errorf("over the limit of %d bytes", maxLegacySize)
	}
	var inner string
	if json.Unmarshal(body, &inner) == nil && inner != "" {
		body = []byte(inner)
	}
	return json.Unmarshal(body, into)
}

// parseAddr takes what a memory may hold: an address without a zone, IPv4 in its own form.
func parseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%.64q is no address", text)
	}
	if addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%.64q has a zone", text)
	}
	return addr.Unmap(), nil
}
