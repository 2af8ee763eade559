package rig_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/cmd/internal/rigtest"
	"mooring/internal/config"
	"mooring/internal/doctor"
	"mooring/internal/iam"
	"mooring/internal/sim"
)

// diagnosed gathers the facts of a binding in a world with load balancers.
func diagnosed(t *testing.T, change func(*config.Config, *rigtest.World, *sim.ELBv2)) (doctor.Facts, *rigtest.World) {
	t.Helper()
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	enter(t, w)
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 3)...)
	lb, _ := w.Front()
	p := mooring.DefaultPolicy()
	c := config.Config{
		Binding: mooring.Binding{Name: "web-443", Hostnames: []string{rigtest.Name}, Port: rigtest.Port, TargetGroup: rigtest.ARN},
		Policy:  p, Zone: "auto", Memory: config.Memory{Kind: "s3", Bucket: rigtest.Bucket}, DNS: config.DNS{Mode: "auto", MaxLookups: 200},
	}
	c.DNS.Resolvers = append(c.DNS.Resolvers, w.DNS.Resolver())
	change(&c, w, lb)
	o := optionsIn(w)
	o.Dial, o.DryRun = w.DNS.Dial, true
	s, err := rig.Doctor(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Gather(t.Context(), s), w
}

// TestDoctorCallsWhatItsPermissionsSay holds the table of actions against the calls, in both directions.
func TestDoctorCallsWhatItsPermissionsSay(t *testing.T) {
	_, w := diagnosed(t, func(c *config.Config, w *rigtest.World, lb *sim.ELBv2) {
		lb.Groups = append(lb.Groups, &sim.TargetGroup{
			ARN: strings.Replace(rigtest.AppARN, "/app/", "/alb/", 1), Type: "alb", Protocol: "TCP", VPC: "vpc-1", Port: 443, Others: []string{rigtest.ALB},
		})
	})
	services := map[string]string{"elb": "elasticloadbalancing"}
	called := map[string]bool{}
	for _, c := range w.AWS.Calls() {
		service := c.Service
		if long := services[service]; long != "" {
			service = long
		}
		action := service + ":" + c.Action
		if service == "lambda" {
			action = "lambda:ListFunctions" // in REST the log has a path
		}
		called[action] = true
	}
	delete(called, "sts:GetCallerIdentity") // takes no permission
	want := map[string]bool{}
	for _, a := range doctor.Actions() {
		want[a.Name] = true
	}
	delete(want, "s3:ListBucket") // no call: with it S3 tells missing from denied
	if got, want := slices.Sorted(maps.Keys(called)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("called\n%v, the table has\n%v", got, want)
	}
}

// TestDoctorAsksAboutThePolicyThatIsPrinted holds what is simulated against what iam-policy prints, conditions included.
func TestDoctorAsksAboutThePolicyThatIsPrinted(t *testing.T) {
	p := mooring.DefaultPolicy()
	c := config.Config{
		Binding: mooring.Binding{Name: "web-443", Hostnames: []string{rigtest.Name}, Port: rigtest.Port, TargetGroup: rigtest.ARN},
		Policy:  p, Zone: "auto", DNS: config.DNS{Mode: "auto", MaxLookups: 200},
		Memory: config.Memory{Kind: "s3", Bucket: "b", Prefix: "a*b/", Owner: "111122223333", SSE: "aws:kms:alias/state"},
		Notify: []config.Notify{{Kind: "sns", ARN: "arn:aws:sns:eu-west-1:111122223333:changes"}},
	}
	s, err := rig.Doctor(t.Context(), c, rig.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := rig.NeedsOf([]config.Config{c}, rig.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	want := iam.New(all[0].Needs...).Actions()
	want = slices.DeleteFunc(want, func(a string) bool { return strings.HasPrefix(a, "kms:") }) // an alias names no key
	var got []string
	for _, n := range s.Needs {
		got = append(got, n.Action)
		switch {
		case n.Resource == "*" && (len(n.Context) != 1 || n.Context[0].Key != "aws:RequestedRegion" || n.Context[0].Values[0] != "eu-west-1"),
			strings.HasPrefix(n.Action, "s3:") && (n.Context[0].Key != "s3:ResourceAccount" || !strings.HasPrefix(n.Resource, "arn:aws:s3:::b/a*b/mooring/")):
			t.Errorf("%+v", n)
		}
	}
	slices.Sort(got)
	if !slices.Equal(slices.Compact(got), want) {
		t.Errorf("asks about\n%v, the policy has\n%v", got, want)
	}
}

func TestDoctorSeesWhatAWorldHas(t *testing.T) {
	f, w := diagnosed(t, func(c *config.Config, w *rigtest.World, lb *sim.ELBv2) {
		lb.Groups = append(lb.Groups, &sim.TargetGroup{
			ARN: strings.Replace(rigtest.AppARN, "/app/", "/alb/", 1), Type: "alb", Protocol: "TCP", VPC: "vpc-1", Port: 443, Others: []string{rigtest.ALB},
		})
		lb.Listeners[0].Rules = []sim.ListenerRule{{Priority: 1, Field: "path-pattern", Values: []string{"/up"}, Actions: []sim.Action{{Type: "fixed-response", Status: "204"}}}}
		lb.Tags = map[string]map[string]string{rigtest.ARN: {"elbv2.k8s.aws/cluster": "prod"}}
		c.Notify = []config.Notify{{Kind: "sns", ARN: "arn:aws:sns:eu-west-1:111122223333:changes"}, {Kind: "eventbridge", ARN: "default"}}
		w.AWS.SNS, w.AWS.EventBridge = &sim.SNS{}, &sim.EventBridge{}
	})
	rules := f.ALBListeners.Value[0].Rules
	if len(rules) != 1 || rules[0].Actions[0].Code != 204 || !slices.Equal(rules[0].Conditions["path-pattern"], []string{"/up"}) {
		t.Errorf("rules %+v", rules)
	}
	if f.ALBGroups.Value != 1 || len(f.Addresses.Value) != 2 || len(f.SecurityGroups.Value) != 2 || f.Tags.Value["elbv2.k8s.aws/cluster"] != "prod" {
		t.Errorf("groups of type alb %+v, addresses %+v, security groups %+v, tags %+v", f.ALBGroups, f.Addresses, f.SecurityGroups, f.Tags)
	}
	var reached []string
	for _, r := range f.Reached {
		if r.Err != nil {
			t.Errorf("%+v", r)
		}
		reached = append(reached, r.Service)
	}
	if got := strings.Join(reached, " "); got != "ec2 elasticloadbalancing events s3 sns sts" {
		t.Errorf("reached %s", got)
	}
	if len(w.S3.Objects(rigtest.Bucket)) > 0 || len(w.Registered()) > 0 {
		t.Error("something was changed")
	}
}
