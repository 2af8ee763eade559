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

	"github.com/aws/smithy-go"

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

// A story is what is changed where all is well, and what one check then says.
type story struct {
	id      string
	name    string
	change  func(*Facts)
	verdict Verdict
	says    string // of what was seen, or of what to do
}

var stories = []story{
	{"credentials", "none are found", func(f *Facts) { f.Identity = Hidden[Identity](errors.New("get credentials: none")) }, Fail, "get credentials"},
	{"credentials", "sts cannot be reached", func(f *Facts) {
		f.Identity = Hidden[Identity](errSilent)
	}, Unknown, "nobody says"},
	{"credentials", "the way to STS has a policy", func(f *Facts) { f.Identity = Hidden[Identity](errDenied) }, Unknown, "AWS takes them"},
	{"credentials", "nobody lends the role", func(f *Facts) {
		f.Identity = Hidden[Identity](fmt.Errorf("%w: get credentials: assume role", errSilent))
	}, Fail, "an interface endpoint com.amazonaws.eu-west-1.sts"},
	{"account", "another's", func(f *Facts) { f.Identity.Value.Account = "444455556666" }, Fail, "--role-arn"},
	{"account", "another region is configured", func(f *Facts) { f.Binding.Region = "us-east-1" }, Warn, "us-east-1"},
	{"reach", "an API is silent in a private subnet", func(f *Facts) {
		f.Reached[0] = Reach{"elasticloadbalancing", "com.amazonaws.eu-west-1.elasticloadbalancing", errSilent, true}
	}, Fail, "NAT gateway or an interface endpoint com.amazonaws.eu-west-1.elasticloadbalancing"},
	{"reach", "so is S3, which has another kind of endpoint", func(f *Facts) { f.Reached[1] = Reach{"s3", "com.amazonaws.eu-west-1.s3", errSilent, true} }, Fail, "gateway endpoint com.amazonaws.eu-west-1.s3"},
	{"reach", "EC2 is done without", func(f *Facts) { f.Reached[0] = Reach{"ec2", "com.amazonaws.eu-west-1.ec2", errSilent, true} }, Warn, "rounds do without"},
	{"reach", "a name that does not resolve", func(f *Facts) { f.Reached[0].Err = io.EOF }, Fail, "AWS_ENDPOINT_URL"},
	{"clock", "behind by a minute", func(f *Facts) { f.Skew = Is(time.Minute) }, Warn, "1m0s behind AWS's"},
	{"clock", "ahead by six", func(f *Facts) { f.Skew = Is(-6 * time.Minute) }, Fail, "6m0s ahead of AWS's"},
	{"permissions", "one is missing", func(f *Facts) { f.Permissions.Value[0].Allowed = false }, Fail, `"Action":"elasticloadbalancing:RegisterTargets"`},
	{"permissions", "IAM does not say", func(f *Facts) {
		f.Permissions, f.Denied = Hidden[[]Permission](errDenied), []string{"ec2:DescribeSubnets"}
	}, Unknown, "denied while looking: ec2:DescribeSubnets"},
	{"permissions", "a condition asks for what nobody told", func(f *Facts) {
		f.Permissions.Value[0] = Permission{Need: f.Permissions.Value[0].Need, Why: "implicitDeny", Asks: []string{"aws:SourceVpc"}}
	}, Unknown, "depends on aws:SourceVpc"},
	{"permissions", "a topic may have a policy of its own", func(f *Facts) {
		f.Permissions.Value[0] = Permission{Need: Need{Action: "sns:Publish", Resource: "arn:t"}, Why: "implicitDeny"}
	}, Warn, "unless the policy of what is called allows it"},
	{"permissions", "which allows nothing that is forbidden", func(f *Facts) {
		f.Permissions.Value[0] = Permission{Need: Need{Action: "sns:Publish", Resource: "arn:t"}, Why: "explicitDeny"}
	}, Fail, "explicitDeny"},
	{"permissions", "the memory was not seen", func(f *Facts) { f.Permissions, f.Memory.Value.Found = keepsMemory(), false }, Warn, "s3:GetObject on arn:aws:s3:::bucket/443.json"},
	{"permissions", "what is on every resource was not called", func(f *Facts) {
		f.Permissions.Value[0] = Permission{Need: Need{Action: "ec2:DescribeSubnets", Resource: "*"}, Why: "implicitDeny"}
	}, Fail, "ec2:DescribeSubnets on *"},
	{"memory", "there is none", func(f *Facts) { f.Binding.Memory = "none" }, Warn, "nobody ever leaves"},
	{"memory", "it is denied", func(f *Facts) { f.Memory.Value.Read = errDenied }, Warn, "s3:ListBucket"},
	{"memory", "the bucket is gone", func(f *Facts) { f.Memory.Value.Read = errors.New("NoSuchBucket") }, Fail, "NoSuchBucket"},
	{"memory", "it is newer than the program", func(f *Facts) { f.Status.Value.MemoryErr = mooring.ErrMemory }, Fail, "unusable"},
	{"memory", "nobody looked", func(f *Facts) { f.Memory = Hidden[Memory](io.EOF) }, Unknown, "EOF"},
	{"memory-write", "the store ignores conditions", func(f *Facts) { f.Memory.Value.Loose = true }, Fail, "doctor.json although"},
	{"memory-write", "its key is denied", func(f *Facts) { f.Memory.Value.Write = denies("kms:GenerateDataKey", "") }, Fail, "kms:GenerateDataKey"},
	{"memory-write", "the bucket denies it", func(f *Facts) {
		f.Memory.Value.Write = denies("s3:PutObject", "with an explicit deny in a resource-based policy")
	}, Fail, "s3:PutObject"},
	{"memory-write", "so does IAM", func(f *Facts) { f.Memory.Value.Write, f.Permissions = denies("s3:PutObject", ""), keepsMemory() }, Fail, "s3:PutObject"},
	{"memory-write", "the policy names the memory alone", func(f *Facts) { f.Memory.Value.Write = denies("s3:PutObject", "") }, Unknown, "revision 7"},
	{"memory-write", "and IAM allows that", func(f *Facts) {
		f.Memory.Value.Write, f.Permissions = denies("s3:PutObject", ""), keepsMemory()
		f.Permissions.Value[1].Allowed = true
	}, Pass, "as IAM simulates it"},
	{"memory-write", "the key is gone", func(f *Facts) { f.Memory.Value.Write = errors.New("KMS.DisabledException") }, Fail, "KMS"},
	{"memory-write", "denied in general words", func(f *Facts) { f.Memory.Value.Doubt = io.EOF }, Unknown, "s3:ListBucket"},
	{"another", "the memory has noticed", func(f *Facts) { f.Status.Value.Another = "an older function goes on" }, Fail, "an older function goes on"},
	{"another", "its state is fresh", func(f *Facts) { f.Older.Value.Written = noon.Add(-5 * time.Minute) }, Fail, "written 5m0s ago"},
	{"another", "a Python function has the group", func(f *Facts) { f.Others.Value = []Function{{"old", "python3.8", "NLB_TG_ARN"}} }, Fail, "old (python3.8)"},
	{"another", "two moorings have it", func(f *Facts) { f.Others.Value = append(f.Others.Value, Function{"two", "provided.al2023", "X"}) }, Fail, "mooring, two"},
	{"another", "Kubernetes made it", func(f *Facts) { f.Tags.Value["elbv2.k8s.aws/cluster"] = "prod" }, Fail, "cluster prod"},
	{"another", "that is what observing is for", func(f *Facts) { f.Status.Value.Another, f.Binding.Mode = "an older one", mooring.ModeObserve }, Warn, "an older one"},
	{"another", "nobody could look", func(f *Facts) {
		f.Status, f.Older, f.Others, f.Tags = Fact[mooring.Status]{}, Fact[Older]{}, Hidden[[]Function](errDenied), Hidden[map[string]string](errDenied)
	}, Unknown, "neither"},
	{"name", "it does not exist", func(f *Facts) { f.Name = Is(mooring.Observation{Inconclusive: "nxdomain: no such name"}) }, Fail, "spelling"},
	{"name", "one of several does not", func(f *Facts) { f.Name = Is(mooring.Observation{Inconclusive: "partial: timeout: b.example"}) }, Fail, "UDP and TCP 53"},
	{"name", "it shows public addresses", func(f *Facts) { f.Name = Is(mooring.Observation{Inconclusive: "tainted: 8.8.8.8"}) }, Fail, "--admit"},
	{"name", "one address of a load balancer", func(f *Facts) { f.Name.Value.Answers = []mooring.Answer{{Addrs: []netip.Addr{addr("10.0.0.11")}}} }, Warn, "second zone"},
	{"name", "none at all", func(f *Facts) { f.Name = Is(mooring.Observation{}) }, Fail, "no address"},
	{"name", "nobody looked", func(f *Facts) { f.Name = Hidden[mooring.Observation](io.EOF) }, Unknown, "EOF"},
	{"zone-servers", "only resolvers answer", func(f *Facts) { onlyResolvers(f, "auto") }, Warn, "port 53 is closed"},
	{"zone-servers", "and that is not allowed", func(f *Facts) { onlyResolvers(f, "authoritative") }, Fail, "--dns auto"},
	{"zone-servers", "nobody does", func(f *Facts) { f.Name = Is(mooring.Observation{}) }, Unknown, "nobody answered"},
	{"all-name", "many addresses are not listed", func(f *Facts) {
		var many []netip.Addr
		for i := range 9 {
			many = append(many, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
		}
		f.Name.Value.Answers = []mooring.Answer{{Hostname: albName, Addrs: many, Plain: true, Authoritative: true}}
	}, Warn, "--max-lookups"},
	{"group", "it is gone", func(f *Facts) { f.Group = Hidden[Group](&smithy.GenericAPIError{Code: "TargetGroupNotFound"}) }, Fail, "check the ARN"},
	{"group", "it may not be read", func(f *Facts) { f.Group = Hidden[Group](errDenied) }, Unknown, "x:Describe"},
	{"group-type", "instances", func(f *Facts) { f.Group.Value.Type = "instance" }, Fail, "type instance"},
	{"group-protocol", "UDP", func(f *Facts) { f.Group.Value.Protocol = "UDP" }, Fail, "protocol UDP"},
	{"group-protocol", "both", func(f *Facts) { f.Group.Value.Protocol = "TCP_UDP" }, Warn, "outside the VPC"},
	{"group-protocol", "TLS to plain HTTP", func(f *Facts) { f.Group.Value.Protocol, f.ALBListeners.Value[0].Protocol = "TLS", "HTTP" }, Fail, "plain HTTP"},
	{"group-protocol", "TLS ends too early", func(f *Facts) { f.Listeners.Value[0].Protocol = "TLS" }, Fail, "speaks HTTPS"},
	{"group-port", "another than the binding's", func(f *Facts) { f.Group.Value.Port = 80 }, Warn, "registered on 443"},
	{"group-port", "nobody has one", func(f *Facts) { f.Group.Value.Port, f.Binding.Port = 0, 0 }, Fail, "--port"},
	{"group-family", "the name's is another", func(f *Facts) { f.Group.Value.IPv6 = true }, Fail, "takes IPv6"},
	{"group-family", "IPv6 to a load balancer", func(f *Facts) { f.Group.Value.IPv6, f.Name = true, Fact[mooring.Observation]{} }, Warn, "dualstack"},
	{"attached", "to nothing", func(f *Facts) { f.Group.Value.Balancers = nil }, Fail, "unused"},
	{"attached", "not by a default action", func(f *Facts) { f.Listeners.Value[0].Actions = nil }, Warn, "default action"},
	{"attached", "listeners may not be read", func(f *Facts) { f.Listeners = Hidden[[]Listener](errDenied) }, Unknown, "listeners"},
	{"targets", "there is none", func(f *Facts) { f.Status.Value.Addresses = nil }, Warn, "EvaluateTargetHealth"},
	{"targets", "none is healthy", func(f *Facts) { healths(f, mooring.HealthUnhealthy) }, Fail, "4 unhealthy (Target.Timeout)"},
	{"targets", "they are new", func(f *Facts) { healths(f, mooring.HealthInitial) }, Warn, "4 initial"},
	{"targets", "they could not be listed", func(f *Facts) { f.Status.Value.GroupErr = io.EOF }, Unknown, "EOF"},
	{"unmanaged", "somebody else's", func(f *Facts) {
		f.Status.Value.Unmanaged = []mooring.AddressStatus{{Addr: addr("10.0.0.99"), Health: mooring.HealthHealthy}}
	}, Warn, "10.0.0.99"},
	{"health-check", "is off", func(f *Facts) { f.Group.Value.Check.Enabled = false }, Warn, "no dead target"},
	{"health-check", "asks a port without a listener", func(f *Facts) { f.Group.Value.Check.Port = "8443" }, Fail, "no listener"},
	{"health-check", "plain HTTP to an HTTPS port", func(f *Facts) { f.Group.Value.Check.Protocol = "HTTP" }, Fail, "400"},
	{"health-check", "HTTPS to a plain port", func(f *Facts) { f.ALBListeners.Value[0].Protocol = "HTTP" }, Fail, "plain HTTP"},
	{"health-check", "the default action says 404", func(f *Facts) { f.ALBListeners.Value[0].Actions = []Action{{Type: "fixed-response", Code: 404}} }, Fail, "answers 404, and the check wants 200-399"},
	{"health-check", "a rule for the path says 503", func(f *Facts) {
		f.ALBListeners.Value[0].Rules = []Rule{{Conditions: map[string][]string{"path-pattern": {"/*"}}, Actions: []Action{{Type: "fixed-response", Code: 503}}}}
	}, Fail, "503"},
	{"health-check", "of two rules the first counts", func(f *Facts) {
		of := func(code int) Rule {
			return Rule{Conditions: map[string][]string{"path-pattern": {"/"}}, Actions: []Action{{Type: "fixed-response", Code: code}}}
		}
		f.Group.Value.Check.Path, f.ALBListeners.Value[0].Rules = "/?deep=1", []Rule{of(500), of(200)}
	}, Fail, "500"},
	{"health-check", "tokens are wanted", func(f *Facts) {
		f.ALBListeners.Value[0].Actions = []Action{{Type: "jwt-validation"}, {Type: "forward"}}
	}, Fail, "401"},
	{"health-check", "certificates are wanted", func(f *Facts) { f.ALBListeners.Value[0].ClientCert = true }, Fail, "certificates of its clients"},
	{"health-check", "rules that may not be read could say something else", func(f *Facts) {
		f.ALBListeners.Value[0] = Listener{Protocol: "HTTPS", Port: 443, RulesErr: errDenied, Actions: []Action{{Type: "fixed-response", Code: 404}}}
		healths(f, mooring.HealthInitial)
	}, Unknown, "rules"},
	{"health-check", "targets of the default action decide", func(f *Facts) {
		f.ALBListeners.Value[0].Actions = []Action{{Type: "forward"}}
		healths(f, mooring.HealthInitial)
	}, Unknown, "forwards"},
	{"health-check", "rules may not be read", func(f *Facts) {
		f.ALBListeners.Value[0] = Listener{Protocol: "HTTPS", Port: 443, RulesErr: errDenied}
		healths(f, mooring.HealthInitial)
	}, Unknown, "rules"},
	{"health-check", "of a database", func(f *Facts) { noALB(f); healths(f, mooring.HealthInitial) }, Unknown, "foretell"},
	{"nlb-addresses", "AWS chose them", func(f *Facts) { f.NLBs.Value[0].Zones[1].Fixed = nil }, Warn, "Elastic IP"},
	{"nlb-addresses", "it chose the IPv4 ones", func(f *Facts) { f.NLBs.Value[0].Zones[1].Fixed = []string{"2001:db8::5"} }, Warn, "IPv4 addresses in eu-west-1b"},
	{"nlb-addresses", "within the network they are seen", func(f *Facts) { f.NLBs.Value[0].Scheme, f.NLBs.Value[0].Zones[1].Fixed = "internal", nil }, Pass, "eu-west-1b 10.0.1.5"},
	{"nlb-addresses", "it is not in the list", func(f *Facts) { f.NLBs.Value = nil }, Unknown, "not among"},
	{"nlb-addresses", "it failed", func(f *Facts) { f.NLBs.Value[0].State = "failed" }, Fail, "front is failed"},
	{"nlb-addresses", "it is another kind", func(f *Facts) { f.NLBs.Value[0].Type = "application" }, Fail, "not a network load balancer"},
	{"nlb-addresses", "it may not be read", func(f *Facts) { f.NLBs = Hidden[[]Balancer](errDenied) }, Unknown, "x:Describe"},
	{"zones", "one is empty", func(f *Facts) { f.ALB.Value.Zones = f.ALB.Value.Zones[:1] }, Fail, "eu-west-1b 203.0.113.11"},
	{"zones", "and DNS still names it", func(f *Facts) {
		f.ALB.Value.Zones = f.ALB.Value.Zones[:1]
		f.Attributes.Value["target_group_health.dns_failover.minimum_healthy_targets.count"] = "off"
	}, Fail, "DNS still names it"},
	{"zones", "of a database in one zone", func(f *Facts) { noALB(f); f.Status.Value.Addresses = f.Status.Value.Addresses[:1] }, Fail, "eu-west-1b 203.0.113.11"},
	{"zones", "the load balancer shows nobody in one", func(f *Facts) { f.Status.Value.Addresses = f.Status.Value.Addresses[:2] }, Fail, "no target is in eu-west-1b 203.0.113.11"},
	{"zones", "of targets whose zone nobody knows", func(f *Facts) { noALB(f); f.Status.Value.Addresses[0].Zone = "" }, Unknown, "not known"},
	{"zones", "every node uses those outside the VPC", func(f *Facts) { f.ALB.Value.VPC, f.Status.Value.Addresses[0].Zone = "vpc-9", "all" }, Pass, "zone all"},
	{"zones", "as it will before the first round", func(f *Facts) {
		f.ALB.Value.VPC, f.Status.Value.Addresses, f.ALB.Value.Zones = "vpc-9", nil, nil
	}, Pass, "zone all"},
	{"zones", "unless they are put into one", func(f *Facts) {
		f.ALB.Value.VPC, f.Status.Value.Addresses, f.Binding.Zone = "vpc-9", nil, "eu-west-1a"
	}, Unknown, "not known"},
	{"zones", "cross-zone may not be read", func(f *Facts) { f.NLBs.Value[0].AttributesErr = errDenied }, Unknown, "x:Describe"},
	{"client-ip", "proxy protocol", func(f *Facts) { f.Attributes.Value["proxy_protocol_v2.enabled"] = "true" }, Fail, "proxy protocol"},
	{"client-ip", "kept over VPCs", func(f *Facts) { f.Attributes.Value["preserve_client_ip.enabled"], f.ALB.Value.VPC = "true", "vpc-9" }, Warn, "vpc-9"},
	{"client-ip", "attributes may not be read", func(f *Facts) { f.Attributes = Hidden[map[string]string](errDenied) }, Unknown, "attributes"},
	{"port-exhaustion", "one target a zone", func(f *Facts) {
		f.Status.Value.Addresses = []mooring.AddressStatus{f.Status.Value.Addresses[0], f.Status.Value.Addresses[2]}
	}, Warn, "55000 connections"},
	{"alb", "it grows no more", func(f *Facts) { f.ALB.Value.State = "active_impaired" }, Warn, "cannot grow"},
	{"alb", "it failed", func(f *Facts) { f.ALB.Value.State = "failed" }, Fail, "app is failed"},
	{"alb", "it is another account's", func(f *Facts) { f.ALB.Value = nil }, Unknown, "this account does not have"},
	{"alb", "it is another region's", func(f *Facts) { f.ALB.Value, f.Binding.GroupRegion = nil, "us-east-1" }, Unknown, "is in eu-west-1"},
	{"alb", "nobody may look", func(f *Facts) { f.ALB = Hidden[*Balancer](errDenied) }, Unknown, "x:Describe"},
	{"alb-scheme", "it is public", func(f *Facts) { f.ALB.Value.Scheme = "internet-facing" }, Fail, "public addresses"},
	{"alb-scheme", "somebody keeps records of its private addresses", func(f *Facts) {
		f.ALB.Value.Scheme, f.Binding.Hostnames = "internet-facing", []string{"app.example.com"}
	}, Warn, "records"},
	{"alb-listener", "the port is not known", func(f *Facts) { f.Binding.Port, f.Group = 0, Hidden[Group](errDenied) }, Unknown, "x:Describe"},
	{"alb-listener", "none on the port", func(f *Facts) { f.ALBListeners.Value[0].Port = 80 }, Fail, "no listener on 443; it has 80"},
	{"alb-listener", "nobody may look", func(f *Facts) { f.ALBListeners = Hidden[[]Listener](errDenied) }, Unknown, "x:Describe"},
	{"alb-vpc", "another", func(f *Facts) { f.ALB.Value.VPC = "vpc-9"; healths(f, mooring.HealthInitial) }, Warn, "peering"},
	{"alb-vpc", "another, which is reached", func(f *Facts) { f.ALB.Value.VPC = "vpc-9" }, Pass, "targets are healthy"},
	{"idle-timeout", "it is longer", func(f *Facts) { f.ALB.Value.Attributes["idle_timeout.timeout_seconds"] = "400" }, Warn, "6m40s"},
	{"idle-timeout", "it is as long", func(f *Facts) { f.ALB.Value.Attributes["idle_timeout.timeout_seconds"] = "350" }, Warn, "5m50s"},
	{"port-exhaustion", "one holder is enough", func(f *Facts) { f.Binding.Whole, f.Status.Value.Addresses = true, f.Status.Value.Addresses[:1] }, Pass, "1 targets"},
	{"idle-timeout", "nobody may look", func(f *Facts) { f.Listeners.Value[0].IdleErr = errDenied }, Unknown, "x:Describe"},
	{"idle-timeout", "nor there", func(f *Facts) { f.ALB.Value.AttributesErr = errDenied }, Unknown, "x:Describe"},
	{"security-groups", "shut to the load balancer", func(f *Facts) { admitOnly(f, "10.0.0.0/24") }, Fail, "do not admit 10.0.1.5"},
	{"security-groups", "shut to clients", func(f *Facts) { f.SecurityGroups.Value["sg-front"] = SecurityGroup{} }, Fail, "admit nobody on port 443"},
	{"security-groups", "open to the load balancer only, and clients come as themselves", func(f *Facts) {
		admitOnly(f, "10.0.0.0/16")
		f.Attributes.Value["preserve_client_ip.enabled"] = "true"
	}, Warn, "admit only 10.0.0.0/16"},
	{"security-groups", "nothing is let out", func(f *Facts) {
		f.SecurityGroups.Value["sg-front"] = SecurityGroup{Rules: f.SecurityGroups.Value["sg-front"].Rules}
	}, Fail, "sg-front of front let nothing out to 10.0.0.11, 10.0.1.12 on port 443"},
	{"security-groups", "what is let out a prefix list decides", func(f *Facts) {
		f.SecurityGroups.Value["sg-front"] = SecurityGroup{Rules: f.SecurityGroups.Value["sg-front"].Rules, Out: []Ingress{{Protocol: "-1", Lists: []string{"pl-1"}}}}
	}, Unknown, "prefix lists"},
	{"security-groups", "health checks come on another port", func(f *Facts) { f.Group.Value.Check.Port = "8443" }, Fail, "on port 8443"},
	{"security-groups", "no address is seen", func(f *Facts) { admitOnly(f, "10.0.0.0/16"); f.Addresses.Value = nil }, Unknown, "no network interface of front"},
	{"security-groups", "IPv6 comes from IPv6", func(f *Facts) {
		admitOnly(f, "10.0.0.0/16")
		f.Group.Value.IPv6, f.Addresses.Value = true, append(f.Addresses.Value, Interface{nlbARN, "eu-west-1a", addr("2001:db8::5")})
	}, Fail, "do not admit 2001:db8::5"},
	{"security-groups", "the port is not known", func(f *Facts) { f.Binding.Port, f.Group = 0, Hidden[Group](errDenied) }, Unknown, "x:Describe"},
	{"security-groups", "who comes as himself is told", func(f *Facts) {
		admitOnly(f, "10.0.0.0/16")
		f.Attributes.Value["preserve_client_ip.enabled"], f.NLBs.Value[0].Scheme = "true", "internal"
	}, Pass, "of those it admits 10.0.0.0/16"},
	{"security-groups", "prefix lists decide", func(f *Facts) {
		f.SecurityGroups.Value["sg-app"] = SecurityGroup{Rules: []Ingress{{Protocol: "-1", Lists: []string{"pl-1"}}}}
	}, Unknown, "prefix lists"},
	{"security-groups", "nobody may look", func(f *Facts) { f.SecurityGroups = Hidden[map[string]SecurityGroup](errDenied) }, Unknown, "x:Describe"},
	{"security-groups", "nor at the addresses", func(f *Facts) { admitOnly(f, "10.0.0.0/16"); f.Addresses = Hidden[[]Interface](errDenied) }, Unknown, "x:Describe"},
}

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
