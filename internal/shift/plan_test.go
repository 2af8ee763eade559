package shift_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"pgregory.net/rapid"

	"mooring/internal/shift"
)

// What shift does not understand it does not touch, and says so in a word that names it.
func TestRecordsThatCannotBeShiftedAreRefused(t *testing.T) {
	a := alias(types.RRTypeA, albName)
	with := func(change func(*shift.Set)) []shift.Set {
		s := member(a, "one", 1)
		s.Weight = nil
		change(&s)
		return []shift.Set{s}
	}
	for _, c := range []struct {
		why  string
		sets []shift.Set
		apex bool
		want string
	}{
		{"no record", []shift.Set{values(types.RRTypeTxt, 60, `"x"`)}, false, "there is no A, AAAA or CNAME record"},
		{"failover", with(func(s *shift.Set) { s.Failover = types.ResourceRecordSetFailoverPrimary }), false, "failover"},
		{"latency", with(func(s *shift.Set) { s.Region = types.ResourceRecordSetRegionEuWest1 }), false, "latency"},
		{"geolocation", with(func(s *shift.Set) { s.GeoLocation = &types.GeoLocation{} }), false, "geolocation"},
		{"geoproximity", with(func(s *shift.Set) { s.GeoProximityLocation = &types.GeoProximityLocation{} }), false, "geoproximity"},
		{"CIDR", with(func(s *shift.Set) { s.CidrRoutingConfig = &types.CidrRoutingConfig{} }), false, "IP-based"},
		{"multivalue", with(func(s *shift.Set) { s.MultiValueAnswer = aws.Bool(true) }), false, "multivalue"},
		{"policy", with(func(s *shift.Set) { s.TrafficPolicyInstanceId = aws.String("tp-1") }), false, "traffic policy (tp-1)"},
		{"others' weights", []shift.Set{member(a, "blue", 1), member(a, "green", 1)}, false, `"blue", which is not mooring's`},
		{"others' beside ours", []shift.Set{member(a, shift.ALB, 1), member(a, shift.NLB, 1), member(a, "x", 1)}, false, `"x", which is not`},
		{"the original lost", []shift.Set{member(a, shift.NLB, 1)}, false, "has lost mooring-alb"},
		{"a CNAME at the apex", []shift.Set{values(types.RRTypeCname, 60, albName)}, true, "top of a zone"},
		{"empty", []shift.Set{{Name: aws.String(name), Type: types.RRTypeA}}, false, "neither values nor an alias"},
	} {
		if _, err := shift.Read(c.sets, c.apex, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.why, err)
		}
	}
}

func TestTheWayToTheNLBIsRefusedWhereClientsWouldBeLost(t *testing.T) {
	a, aaaa := alias(types.RRTypeA, albName), alias(types.RRTypeAaaa, albName)
	v4, checked := balancer(), a
	v4.Dualstack, checked.HealthCheckId = false, aws.String("abcdef11")
	half := read(t, []shift.Set{member(a, shift.ALB, 99)})
	elsewhere := read(t, []shift.Set{member(a, shift.ALB, 99), member(alias(types.RRTypeA, otherNLB), shift.NLB, 1)})
	mixed := read(t, []shift.Set{member(a, shift.ALB, 99), member(alias(types.RRTypeA, nlbName), shift.NLB, 1), aaaa})
	for _, c := range []struct {
		why   string
		state shift.State
		to    shift.Balancer
		want  string
	}{
		{"no IPv6", read(t, []shift.Set{a, aaaa}), v4, "only IPv4 addresses: make it dualstack, or leave the IPv6 clients where they are with --only A"},
		{"CloudFront", read(t, []shift.Set{alias(types.RRTypeA, "d111.cloudfront.net.")}), v4, "no load balancer"},
		{"half of it there", read(t, []shift.Set{a, alias(types.RRTypeAaaa, nlbName)}), balancer(), "leads to the NLB already, and another does not"},
		{"half a pair", half, v4, "mooring-nlb is missing"},
		{"another NLB", elsewhere, v4, "leads elsewhere (alias of other-"},
		{"a health check", read(t, []shift.Set{checked}), v4, "its A record has a health check (abcdef11)"},
		{"a type left out", mixed, balancer(), "--only A leaves that alone"},
	} {
		if _, err := shift.Forward(c.state, c.to, steps); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.why, err)
		}
	}
	if p := shift.Back(half); len(p.Steps) != 1 || !reflect.DeepEqual(p.Steps[0].Sets, []shift.Set{a}) {
		t.Errorf("the way back from half a pair: %+v", p.Steps)
	}
	if _, err := shift.Forward(read(t, []shift.Set{a, aaaa}, types.RRTypeA), v4, steps); err != nil {
		t.Errorf("only A: %v", err)
	}
	for _, bad := range [][]int{nil, {0}, {101}, {5, 5}, {50, 1}} {
		if _, err := shift.Forward(read(t, []shift.Set{a}), v4, bad); err == nil {
			t.Errorf("steps %v were taken", bad)
		}
	}
}

func TestAPlanBeginsWhereTheRecordsStand(t *testing.T) {
	a, n := alias(types.RRTypeA, albName), alias(types.RRTypeA, nlbName)
	pair := func(percent int64) []shift.Set {
		return []shift.Set{member(a, shift.ALB, 100-percent), member(n, shift.NLB, percent)}
	}
	kinds := func(p shift.Plan, err error) string {
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, s := range p.Steps {
			out = append(out, strings.TrimSpace(string(s.Kind)+" "+shares(s.Sets)))
		}
		return strings.Join(out, "; ")
	}
	for _, c := range []struct{ what, got, want string }{
		{"from the start", kinds(shift.Forward(read(t, []shift.Set{a}), balancer(), []int{1, 100})), "move A 1; move A 100"},
		{"at 0, by hand", kinds(shift.Forward(read(t, pair(0)), balancer(), []int{1, 100})), "move A 1; move A 100"},
		{"in the middle", kinds(shift.Forward(read(t, pair(25)), balancer(), steps)), "hold A 25; move A 50; move A 100"},
		{"at the end", kinds(shift.Forward(read(t, pair(100)), balancer(), steps)), ""},
		{"there for good", kinds(shift.Forward(read(t, []shift.Set{n}), balancer(), steps)), ""},
		{"all zero", kinds(shift.Forward(read(t, []shift.Set{member(a, shift.ALB, 0), member(n, shift.NLB, 0)}), balancer(), []int{100})), "hold A 0; move A 100"},
		{"back", kinds(shift.Backward(read(t, pair(100)), []int{50, 100})), "move A 50; restore A simple"},
		{"back, later", kinds(shift.Backward(read(t, pair(50)), []int{50, 75, 100})), "move A 25; restore A simple"},
		{"back, done", kinds(shift.Backward(read(t, []shift.Set{a}), []int{50, 100})), ""},
		{"finish", kinds(shift.End(read(t, pair(100)), balancer())), "finish A simple"},
		{"finish, early", kinds(shift.End(read(t, pair(50)), balancer())), "50 % of its answers lead to the NLB: it can be finished when all do"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

// Where a type's clients still go to the original, nothing says that all go to the NLB, and nothing takes that for granted.
func TestHalfOfTheWayIsNotAll(t *testing.T) {
	pair := func(typ types.RRType, from, to int64) []shift.Set {
		return []shift.Set{member(alias(typ, albName), shift.ALB, from), member(alias(typ, nlbName), shift.NLB, to)}
	}
	if s := read(t, pair(types.RRTypeA, 1, 255)); s.Percent != 99 {
		t.Errorf("%d %%", s.Percent)
	}
	apart := read(t, append(pair(types.RRTypeA, 0, 100), pair(types.RRTypeAaaa, 100, 0)...))
	if _, err := shift.Forward(apart, balancer(), steps); err == nil || !strings.Contains(err.Error(), "A and AAAA records differ") {
		t.Errorf("forward: %v", err)
	}
	if _, err := shift.End(apart, balancer()); err == nil {
		t.Error("it was finished")
	}
	if p := shift.Back(apart); len(p.Steps) != 1 {
		t.Errorf("back: %+v", p.Steps)
	}
}

// The NLB's record looks at health as the original did, so that a group without healthy targets sends clients back.
func TestTheNLBsRecordIsMadeOfTheOriginal(t *testing.T) {
	blind := alias(types.RRTypeA, albName)
	blind.AliasTarget.EvaluateTargetHealth = false
	for _, c := range []struct {
		original shift.Set
		health   bool
	}{{alias(types.RRTypeA, albName), true}, {blind, false}, {values(types.RRTypeA, 300, "192.0.2.1"), true}} {
		p, err := shift.Forward(read(t, []shift.Set{c.original}), balancer(), steps)
		if err != nil {
			t.Fatal(err)
		}
		got := p.Steps[0].Sets[1]
		if got.AliasTarget == nil || got.AliasTarget.EvaluateTargetHealth != c.health || *got.AliasTarget.HostedZoneId != "Z2IFOLAFXWLO4F" ||
			*got.AliasTarget.DNSName != nlbName+"." || got.TTL != nil {
			t.Errorf("%+v", got)
		}
	}
	p, err := shift.Forward(read(t, []shift.Set{values(types.RRTypeCname, 300, albName)}), balancer(), steps)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Steps[0].Sets[1]; *got.ResourceRecords[0].Value != nlbName+"." || *got.TTL != 300 || got.Type != types.RRTypeCname {
		t.Errorf("%+v", got)
	}
	if notes := p.From.Notes; len(notes) != 1 || !strings.Contains(notes[0], "TTL is 300 s") {
		t.Errorf("%q", notes)
	}
}

// From any original and any point of a shift the way back is one batch that leaves exactly the original, and after no
// batch is a type without an answer. The fake zone refuses what Route 53 would.
func TestFromEverywhereTheOriginalComesBackExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		originals := drawOriginals(t)
		zone := &fakeZone{sets: originals}
		state, err := shift.Read(zone.sets, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := shift.Forward(state, balancer(), rapid.SampledFrom([][]int{{1, 5, 25, 50, 100}, {100}, {50}, {33, 66}}).Draw(t, "steps"))
		if err != nil {
			t.Fatal(err)
		}
		made := rapid.IntRange(0, len(plan.Steps)).Draw(t, "batches made")
		apply := func(p shift.Plan, most int) {
			for i, changes := range p.Batches() {
				if i >= most {
					return
				}
				if len(changes) == 0 {
					continue // a step that only watches
				}
				if _, err := zone.Change(t.Context(), changes, ""); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				for _, o := range originals {
					if !answers(zone.sets, o.Type) {
						t.Fatalf("step %d: no %s record answers", i, o.Type)
					}
				}
			}
		}
		apply(plan, made)
		again := func() shift.State {
			s, err := shift.Read(zone.sets, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		if rapid.Bool().Draw(t, "goes on") {
			p, err := shift.Forward(again(), balancer(), []int{70, 100})
			if err != nil {
				t.Fatal(err)
			}
			apply(p, rapid.IntRange(0, len(p.Steps)).Draw(t, "and more"))
		}
		if rapid.Bool().Draw(t, "in steps") {
			p, err := shift.Backward(again(), []int{40, 100})
			if err != nil {
				t.Fatal(err)
			}
			apply(p, rapid.IntRange(0, len(p.Steps)).Draw(t, "back"))
		}
		apply(shift.Back(again()), 1)
		if len(zone.sets) != len(originals) {
			t.Fatalf("%d sets", len(zone.sets))
		}
		for _, o := range originals {
			if !holds(zone.sets, o) {
				t.Fatalf("%+v is not there again", o)
			}
		}
	})
}

// answers tells whether a query of that type gets an answer: a set whose weight is 0 gives one only where all are 0.
func answers(sets []shift.Set, t types.RRType) bool {
	for _, s := range sets {
		if s.Type == t && (s.Weight == nil || *s.Weight > 0) {
			return true
		}
	}
	return false
}

// holds compares to the last byte, without the leniency of Same.
func holds(sets []shift.Set, want shift.Set) bool {
	for _, s := range sets {
		if reflect.DeepEqual(s, want) {
			return true
		}
	}
	return false
}

func drawOriginals(t *rapid.T) []shift.Set {
	one := func(typ types.RRType, v []string) shift.Set {
		s := alias(typ, rapid.SampledFrom([]string{albName, strings.ToUpper(albName), "app-1.cn-north-1.elb.amazonaws.com.cn"}).Draw(t, "target"))
		s.AliasTarget.EvaluateTargetHealth = rapid.Bool().Draw(t, "health")
		if rapid.Bool().Draw(t, "values") {
			s = values(typ, rapid.Int64Range(0, 86400).Draw(t, "ttl"), v[:rapid.IntRange(1, len(v)).Draw(t, "how many")]...)
		}
		return s
	}
	switch rapid.IntRange(0, 3).Draw(t, "types") {
	case 0:
		return []shift.Set{one(types.RRTypeA, []string{"192.0.2.2", "192.0.2.1"})}
	case 1:
		return []shift.Set{one(types.RRTypeAaaa, []string{"2001:db8::2", "2001:db8::1"})}
	case 2:
		return []shift.Set{one(types.RRTypeA, []string{"192.0.2.1"}), one(types.RRTypeAaaa, []string{"2001:db8::1"})}
	default:
		return []shift.Set{values(types.RRTypeCname, 60, "Internal-App.eu-west-1.elb.amazonaws.com")}
	}
}
