package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// A LegacyObject is a pair of objects in which an older function kept its state.
type LegacyObject struct {
	Source  string // which function it was, for people
	Active  string // the key of the addresses it registered
	Pending string // the key of those it was about to deregister
}

// LegacyKeys returns where the functions that have been published keep their state: AWS's of 2018 (v1) and of
// 2021 (v2), and two variants of the first. The misspelt keys are theirs. Without a name there are none.
func LegacyKeys(albDNSName, targetGroupARN string) []LegacyObject {
	if albDNSName == "" {
		return nil
	}
	own := targetGroupARN + "/" + albDNSName + "/"
	return []LegacyObject{
		{
			Source:  "v1",
			Active:  albDNSName + "-active-registered-IPs/Active IP list of " + albDNSName + ".json",
			Pending: albDNSName + "-pending-deregisteration-IPs/Pending deregisteration IP list of " + albDNSName + ".json",
		},
		{Source: "v1, one folder a group", Active: own + "active.json", Pending: own + "pending.json"},
		{
			Source:  "v1, one folder a group, long names",
			Active:  own + "Active IP list of " + albDNSName + ".json",
			Pending: own + "Pending deregistration IP list of " + albDNSName + ".json",
		},
		{Source: "v2", Active: albDNSName + "/active_ip.json", Pending: albDNSName + "/pending_ip.json"},
	}
}

const (
	maxLegacySize  = 1 << 20
	maxLegacyAddrs = 500  // a load balancer shows at most 100
	maxLegacyMiss  = 1000 // v2 never stops to count; more says nothing more
)

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
	var counts map[string]int64
	if err := unwrap(body, &counts); err != nil {
		return nil, err
	}
	if len(counts) > maxLegacyAddrs {
		return nil, fmt.Errorf("%d addresses, over the limit of %d", len(counts), maxLegacyAddrs)
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
		n := int(min(n, maxLegacyMiss))
		if other, twice := missed[addr]; twice {
			n = min(n, other) // one address in two spellings: the lower count, which removes later
		}
		missed[addr] = n
	}
	return missed, nil
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
