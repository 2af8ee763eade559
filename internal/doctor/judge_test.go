package doctor

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"mooring"
)

const (
	groupARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"
	nlbARN   = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/front/1"
	albARN   = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/app/2"
	albName  = "internal-app-1.eu-west-1.elb.amazonaws.com"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// well are facts of a binding with which all is well.
func well() Facts {
	zones := []Zone{{Name: "eu-west-1a", Fixed: []string{"203.0.113.10"}}, {Name: "eu-west-1b", Fixed: []string{"203.0.113.11"}}}
	nlb := Balancer{
		ARN: nlbARN, Name: "front", Type: "network", Scheme: "internet-facing", State: "active", VPC: "vpc-1", Zones: zones, SecurityGroups: []string{"sg-front"},
		Attributes: map[string]string{"load_balancing.cross_zone.enabled": "false"},
	}
	alb := Balancer{
		ARN: albARN, Name: "app", Type: "application", Scheme: "internal", State: "active", VPC: "vpc-1", DNSName: albName, SecurityGroups: []string{"sg-app"},
		Zones: []Zone{{Name: "eu-west-1a"}, {Name: "eu-west-1b"}}, Attributes: map[string]string{"idle_timeout.timeout_seconds": "60"},
	}
	world := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	shows := []netip.Addr{addr("10.0.0.11"), addr("10.0.1.12")}
	return Facts{
		At: noon,
		Binding: Binding{
			Name: "web-443", Hostnames: []string{albName}, Port: 443, Group: groupARN, Mode: mooring.ModeSync, DNS: "auto",
			GroupRegion: "eu-west-1", GroupAccount: "111122223333", Memory: "s3",
		},
		Identity:    Is(Identity{"111122223333", "arn:aws:iam::111122223333:user/me"}),
		Reached:     []Reach{{Service: "elasticloadbalancing"}, {Service: "s3"}},
		Skew:        Is(time.Second),
		Permissions: Is([]Permission{{Need: Need{Action: "elasticloadbalancing:RegisterTargets", Resource: groupARN}, Allowed: true}}),
		Memory:      Is(Memory{Where: "s3://bucket/443.json", Found: true, Probe: "s3://bucket/doctor.json"}),
		Status: Is(mooring.Status{Addresses: []mooring.AddressStatus{
			{Addr: shows[0], Ours: true, Health: mooring.HealthHealthy, Zone: "eu-west-1a"},
			{Addr: shows[0].Next(), Ours: true, Health: mooring.HealthHealthy, Zone: "eu-west-1a"},
			{Addr: shows[1], Ours: true, Health: mooring.HealthHealthy, Zone: "eu-west-1b"},
			{Addr: shows[1].Next(), Ours: true, Health: mooring.HealthHealthy, Zone: "eu-west-1b"},
		}, Memory: mooring.MemoryStatus{Revision: 7, Program: "v1"}}),
		Older:  Is(Older{"s3://bucket/old", noon.Add(-time.Hour)}),
		Others: Is([]Function{{"mooring", "provided.al2023", "NLB_TG_ARN"}}),
		Tags:   Is(map[string]string{}),
		Name: Is(mooring.Observation{Hostnames: []string{albName}, Answers: []mooring.Answer{
			{Hostname: albName, Addrs: shows, Server: "192.0.2.1:53", Plain: true, Authoritative: true},
			{Hostname: albName, Addrs: shows, Server: "192.0.2.2:53", Whole: true, Authoritative: true},
		}}),
		Group: Is(Group{
			Type: "ip", Protocol: "TCP", VPC: "vpc-1", Port: 443, Balancers: []string{nlbARN},
			Check: HealthCheck{Enabled: true, Protocol: "HTTPS", Port: "traffic-port", Path: "/", Matcher: "200-399"},
		}),
		Attributes: Is(map[string]string{
			"preserve_client_ip.enabled": "false", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration", "deregistration_delay.timeout_seconds": "300",
		}),
		NLBs:         Is([]Balancer{nlb}),
		Listeners:    Is([]Listener{{ARN: "l-1", Balancer: nlbARN, Protocol: "TCP", Port: 443, Actions: []Action{{Type: "forward", Groups: []string{groupARN}}}, Idle: 350 * time.Second}}),
		Addresses:    Is([]Interface{{nlbARN, "eu-west-1a", addr("10.0.0.5")}, {nlbARN, "eu-west-1b", addr("10.0.1.5")}}),
		ALB:          Is(&alb),
		ALBListeners: Is([]Listener{{ARN: "l-2", Balancer: albARN, Protocol: "HTTPS", Port: 443, Actions: []Action{{Type: "redirect", Code: 301}}}}),
		ALBGroups:    Is(0),
		SecurityGroups: Is(map[string]SecurityGroup{
			"sg-app":   {Rules: []Ingress{{Protocol: "tcp", From: 443, To: 443, Groups: []string{"sg-front"}}}},
			"sg-front": {Rules: []Ingress{{Protocol: "tcp", From: 443, To: 443, CIDRs: world}}, Out: []Ingress{{Protocol: "-1", CIDRs: world}}},
		}),
	}
}

func noALB(f *Facts) {
	f.ALB, f.ALBListeners, f.SecurityGroups = Is[*Balancer](nil), Fact[[]Listener]{}, Fact[map[string]SecurityGroup]{}
	f.Binding.Hostnames = []string{"db.example.com"}
}

var errDenied = &mooring.Denied{Action: "x:Describe", Resource: "*", Err: errors.New("AccessDenied")}

// keepsMemory is what a policy of the bucket allows, and the role's does not.
func keepsMemory() Fact[[]Permission] {
	of := func(action string) Permission {
		return Permission{Need: Need{Action: action, Resource: "arn:aws:s3:::bucket/443.json"}, Why: "implicitDeny"}
	}
	return Is([]Permission{of("s3:GetObject"), of("s3:PutObject")})
}

func denies(action, words string) error {
	return &mooring.Denied{Action: action, Resource: "arn:aws:s3:::bucket/doctor.json", Err: errors.New("AccessDenied: " + words)}
}

func TestWhatAWSDoesCountsMoreThanWhatItSimulates(t *testing.T) {
	f := well()
	f.Permissions = keepsMemory()
	f.Permissions.Value = append(f.Permissions.Value, Permission{Need: Need{Action: "elasticloadbalancing:DescribeTargetGroups", Resource: "*"}})
	f.Done = []string{"elasticloadbalancing:DescribeTargetGroups"}
	if found := checkPermissions(&f); len(found) != 1 || found[0].Verdict != Pass {
		t.Errorf("%+v", found)
	}
}

func onlyResolvers(f *Facts, mode string) {
	f.Binding.DNS = mode
	f.Name.Value.Warnings = []string{"port 53 is closed"}
	for i := range f.Name.Value.Answers {
		f.Name.Value.Answers[i].Authoritative = false
	}
}

func healths(f *Facts, h mooring.Health) {
	for i := range f.Status.Value.Addresses {
		f.Status.Value.Addresses[i].Health = h
		if h == mooring.HealthUnhealthy {
			f.Status.Value.Addresses[i].HealthReason = "Target.Timeout"
		}
	}
}

func admitOnly(f *Facts, cidr string) {
	f.SecurityGroups.Value["sg-app"] = SecurityGroup{Rules: []Ingress{{Protocol: "tcp", From: 1, To: 1000, CIDRs: []netip.Prefix{netip.MustParsePrefix(cidr)}}}}
}

func TestEachCheckFindsWhatItIsAbout(t *testing.T) {
	for _, s := range stories {
		t.Run(s.id+": "+s.name, func(t *testing.T) {
			f := well()
			s.change(&f)
			found := slices.DeleteFunc(Judge(f), func(x Finding) bool { return x.ID != s.id })
			if !slices.ContainsFunc(found, func(x Finding) bool { return x.Verdict == s.verdict && strings.Contains(x.Seen+" "+x.Do, s.says) }) {
				t.Errorf("want %s that says %q, got %+v", s.verdict, s.says, found)
			}
			for _, x := range found {
				if x.Verdict == Fail && x.Do == "" {
					t.Errorf("nothing is to be done about %+v", x)
				}
			}
		})
	}
}

func TestEveryCheckHasAStoryInWhichItDoesNotPass(t *testing.T) {
	for _, c := range Checks() {
		if !slices.ContainsFunc(stories, func(s story) bool { return s.id == c.ID && (s.verdict == Fail || s.verdict == Warn) }) {
			t.Errorf("%s has none", c.ID)
		}
	}
}

func TestWhereAllIsWellEveryCheckPasses(t *testing.T) {
	found := Judge(well())
	for _, x := range found {
		if x.Verdict != Pass {
			t.Errorf("%+v", x)
		}
	}
	for _, c := range Checks() {
		if !slices.ContainsFunc(found, func(x Finding) bool { return x.ID == c.ID }) {
			t.Errorf("%s says nothing", c.ID)
		}
	}
}

func TestWhatWasNotSeenNeitherPassesNorFails(t *testing.T) {
	nothing := Facts{Binding: well().Binding}
	hidden := Facts{
		Binding: nothing.Binding, Group: Hidden[Group](io.EOF), Attributes: Hidden[map[string]string](io.EOF), NLBs: Hidden[[]Balancer](io.EOF),
		Listeners: Hidden[[]Listener](io.EOF), ALB: Hidden[*Balancer](io.EOF), Permissions: Hidden[[]Permission](io.EOF),
		Name: Hidden[mooring.Observation](io.EOF), Memory: Hidden[Memory](io.EOF), Others: Hidden[[]Function](io.EOF),
	}
	for _, f := range []Facts{nothing, hidden} {
		for _, x := range Judge(f) {
			if x.Verdict != Unknown {
				t.Errorf("%+v", x)
			}
		}
	}
}

func TestADatabaseIsNotAskedForWhatALoadBalancerHas(t *testing.T) {
	f := well()
	noALB(&f)
	f.Group.Value.Check = HealthCheck{Enabled: true, Protocol: "TCP", Port: "traffic-port"}
	for _, x := range Judge(f) {
		if x.Verdict != Pass || strings.HasPrefix(x.ID, "alb-") || x.ID == "idle-timeout" || x.ID == "security-groups" {
			t.Errorf("%+v", x)
		}
		if x.ID == "alb" && !strings.Contains(x.Seen, "db.example.com: no application load balancer") {
			t.Errorf("%+v", x)
		}
	}
}

func TestAFrontIsAskedForWhatAFrontNeeds(t *testing.T) {
	f := well()
	f.Binding.Front, f.Binding.Memory = true, "file"
	f.Identity, f.Permissions, f.Reached, f.Skew = Fact[Identity]{}, Fact[[]Permission]{}, nil, Fact[time.Duration]{}
	var ids []string
	for _, x := range Judge(f) {
		ids = append(ids, x.ID)
	}
	if got, want := fmt.Sprint(ids), "[memory memory-write another name zone-servers all-name]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(Advise(f)) > 0 {
		t.Error("a front was given advice about AWS")
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	f := well()
	f.ALB.Value.State, f.Skew, f.Permissions = "failed", Is(time.Minute), Hidden[[]Permission](errDenied)
	sorted := WorstFirst(Judge(f))
	if got := fmt.Sprint(sorted[0].ID, " ", sorted[1].ID, " ", sorted[2].ID, " ", sorted[3].ID); got != "alb clock permissions credentials" {
		t.Error(got)
	}
}

func TestMatchersAndPatternsAreReadAsAWSDoes(t *testing.T) {
	for _, c := range []struct {
		matcher string
		code    int
		want    bool
	}{{"200", 200, true}, {"200-399", 301, true}, {"200,404", 404, true}, {"200-299, 302", 302, true}, {"200-399", 404, false}, {"", 200, false}, {"a-b", 0, false}} {
		if got := matches(c.matcher, c.code); got != c.want {
			t.Errorf("%q holds %d: %t", c.matcher, c.code, got)
		}
	}
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{{"/*", "/a/b", true}, {"/health", "/health", true}, {"/health", "/", false}, {"/h?", "/hi", true}, {"[", "a", false}, {"[", "[", true}} {
		if got := like(c.pattern, c.path); got != c.want {
			t.Errorf("%q takes %q: %t", c.pattern, c.path, got)
		}
	}
}
