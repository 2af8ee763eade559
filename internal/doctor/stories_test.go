package doctor

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/aws/smithy-go"

	"mooring"
)

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
	{"memory-write", "the memory could not be read", func(f *Facts) { f.Memory.Value.Read, f.Memory.Value.Unasked = io.EOF, true }, Unknown, "not tried"},
	{"another", "the memory has noticed", func(f *Facts) { f.Status.Value.Another = "an older function goes on" }, Fail, "an older function goes on"},
	{"another", "its state is fresh", func(f *Facts) { f.Older.Value.Written = noon.Add(-5 * time.Minute) }, Fail, "written 5m0s ago"},
	{"another", "a Python function has the group, and mooring has not run yet", func(f *Facts) {
		f.Others.Value, f.Status.Value.Memory.Revision = []Function{{"old", "python3.8", "NLB_TG_ARN"}}, 0
	}, Fail, "old (python3.8)"},
	{"another", "it is kept for the way back", func(f *Facts) { f.Others.Value = []Function{{"old", "python3.8", "NLB_TG_ARN"}} }, Warn, "if it is stopped already"},
	{"another", "it is not stopped", func(f *Facts) {
		f.Others.Value, f.Status.Value.Another = []Function{{"old", "python3.8", "NLB_TG_ARN"}}, "targets were changed"
	}, Fail, "old (python3.8)"},
	{"another", "two moorings have it", func(f *Facts) { f.Others.Value = append(f.Others.Value, Function{"two", "provided.al2023", "X"}) }, Warn, "mooring, two"},
	{"another", "Kubernetes made it", func(f *Facts) { f.Tags.Value["elbv2.k8s.aws/cluster"] = "prod" }, Fail, "cluster prod"},
	{"another", "that is what observing is for", func(f *Facts) { f.Status.Value.Another, f.Binding.Mode = "an older one", mooring.ModeObserve }, Warn, "an older one"},
	{"another", "nobody could look", func(f *Facts) {
		f.Status, f.Older, f.Others, f.Tags = Fact[mooring.Status]{}, Fact[Older]{}, Hidden[[]Function](errDenied), Hidden[map[string]string](errDenied)
	}, Unknown, "neither"},
	{"another", "the memory could not be read, and nothing else could", func(f *Facts) {
		f.Status.Value.MemoryErr = io.EOF
		f.Older, f.Others, f.Tags = Fact[Older]{}, Hidden[[]Function](errDenied), Hidden[map[string]string](errDenied)
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
	{"group-type", "the load balancer itself", func(f *Facts) { f.Group.Value.Type = "alb" }, Fail, "nothing to keep in step"},
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
	{"targets", "one is in a zone that nobody serves", func(f *Facts) {
		f.Status.Value.Addresses[0].Health, f.Status.Value.Addresses[0].HealthReason = mooring.HealthUnused, "Target.NotInUse"
	}, Warn, "enable its zone"},
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
	{"client-ip", "kept, as of all UDP", func(f *Facts) { f.Group.Value.Protocol = "TCP_UDP" }, Pass, "kept (preserve"},
	{"client-ip", "kept over VPCs", func(f *Facts) { f.Attributes.Value["preserve_client_ip.enabled"], f.ALB.Value.VPC = "true", "vpc-9" }, Warn, "vpc-9"},
	{"client-ip", "attributes may not be read", func(f *Facts) { f.Attributes = Hidden[map[string]string](errDenied) }, Unknown, "attributes"},
	{"port-exhaustion", "one target a zone", func(f *Facts) {
		f.Status.Value.Addresses = []mooring.AddressStatus{f.Status.Value.Addresses[0], f.Status.Value.Addresses[2]}
	}, Warn, "55000 connections"},
	{"alb", "it grows no more", func(f *Facts) { f.ALB.Value.State = "active_impaired" }, Warn, "cannot grow"},
	{"alb", "it failed", func(f *Facts) { f.ALB.Value.State = "failed" }, Fail, "app is failed"},
	{"alb", "it is another account's", func(f *Facts) { f.ALB.Value = nil }, Unknown, "this account does not have"},
	{"alb", "only one of several is looked at", func(f *Facts) { f.Binding.Hostnames = append(f.Binding.Hostnames, "b.example") }, Unknown, "see the same of the others"},
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
		admitOnly(f, "2001:db8::/32")
		f.Group.Value.IPv6, f.Addresses.Value = true, append(f.Addresses.Value, Interface{nlbARN, "eu-west-1a", addr("2001:db8::5")})
	}, Pass, "admits front"},
	{"security-groups", "and only from there", func(f *Facts) {
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
