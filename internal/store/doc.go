// Package store keeps a binding's memory: as an object on S3, as a file, in memory, or not at all.
// On a first run it also reads what an older function left on S3, and on request keeps that true, so that the function can
// go on at any time.
//
// Every save replaces exactly what was loaded or fails, so that of two runs which overlap only one acts.
// What is unreadable, or was written by a newer mooring, is never overwritten.
//
// # What an older function needs to go on
//
// It must send away whoever is in the group and has left the name, and nobody else; whom it does not find in its state it
// registers or tracks in its first run. So each needs, by its own rule:
//
//   - v1 (2018) counts who is in the group, or was resolved in its last run, and is not resolved now. Its list is whom the
//     last run resolved: from an empty one it counts nobody, and it registers anew whoever is resolved and was not in it,
//     because such an address may be draining. So the list is who was observed and is registered, and no more.
//   - v2 (2021) counts likewise, and reads its list only to count those who are in it and not in the group, whom it then
//     deregisters in every run until it registers somebody. So the list is who is ours and in the group.
//   - v3 (2020) counts down whoever it tracks, and lets nobody go whom it does not. So it gets all who are ours, each with
//     at least one run left, for at none it would wait for ever.
//
// v1 and v2 keep their counts in a second object. A count that is too low makes somebody leave later, one that is too high
// makes a live target leave: where both objects are to be written, the counts are first, and what is not proved is not
// counted. None of them knows ports, draining targets or strangers; those they judge as they always did.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// Key returns where the memory of one (group, port) lives: <prefix>mooring/<group name>/<group id>/<port>.json, and of a
// front, tcp://ADDR:PORT, <prefix>mooring/tcp/<address>_<its port>/<port>.json, with hyphens for an IPv6 address's colons.
// No id of a target group has an underscore. Hostnames are no part of it, so a changed hostname keeps what is ours.
//
// The group may come from anywhere, and the key becomes a path: whatever is not exactly a target group's ARN, or a front
// in its one form, is refused.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
func Key(prefix, targetGroup string, port uint16) (string, error) {
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("memory of target group %q: %s", targetGroup, why)
	}
	if port == 0 {
		return bad("no port")
	}
	if len(prefix) > maxPrefix || strings.ContainsFunc(prefix, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return bad(fmt.Sprintf("the prefix %.64q is too long or holds control characters", prefix))
	}
	if strings.Contains("/"+prefix+"/", "/../") || strings.Contains("/"+prefix+"/", "/./") {
		return bad(fmt.Sprintf("the prefix %q climbs", prefix))
	}
	if front, ok := strings.CutPrefix(targetGroup, "tcp://"); ok {
		at, err := netip.ParseAddrPort(front)
		if err != nil || at.Port() == 0 || at.Addr().Zone() != "" || at.Addr().Is4In6() || at.String() != front {
			return bad("want tcp://ADDR:PORT with an IP address, in the form that is usual")
		}
		return fmt.Sprintf("%smooring/tcp/%s_%d/%d.json", prefix, strings.ReplaceAll(at.Addr().String(), ":", "-"), at.Port(), port), nil
	}
	arn := strings.Split(targetGroup, ":")
	if len(arn) != 6 || arn[0] != "arn" || arn[2] != "elasticloadbalancing" {
		return bad("want arn:PARTITION:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID")
	}
	name := strings.Split(arn[5], "/")
	if len(name) != 3 || name[0] != "targetgroup" || !word(name[1]) || !word(name[2]) {
		return bad("want targetgroup/NAME/ID, of letters, digits and hyphens, at its end")
	}
	return fmt.Sprintf("%smooring/%s/%s/%d.json", prefix, name[1], name[2], port), nil
}

const maxPrefix = 512 // an S3 key has at most 1,024 bytes

// word tells whether s is made as names and ids of target groups are: letters, digits and hyphens.
func word(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// tagOf is the tag of a stored form where the storage has none of its own. No two saved forms are equal,
// for their revisions differ.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
