package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"mooring"
)

// A Fact is a value, or the error that hid it. The zero value was not looked at.
type Fact[T any] struct {
	Value  T
	Err    error
	Looked bool // else there was no reason to look, or nobody to ask
}

// Is is a fact that was seen.
func Is[T any](v T) Fact[T] { return Fact[T]{Value: v, Looked: true} }

// Hidden is one that could not be.
func Hidden[T any](err error) Fact[T] { return Fact[T]{Err: err, Looked: true} }

// known tells whether the value was seen.
func (f Fact[T]) known() bool { return f.Looked && f.Err == nil }

// Facts are all that was seen of a binding and of what it stands on.
type Facts struct {
	Binding Binding
	At      time.Time // when it was looked at

	Identity    Fact[Identity]
	Reached     []Reach             // one an API that the binding needs
	Skew        Fact[time.Duration] // how far AWS's clock is ahead of this one
	Permissions Fact[[]Permission]  // of the identity, as IAM simulates them
	Denied      []string            // actions that AWS denied while it was looked around
	Done        []string            // and those that it took, each on *

	Memory Fact[Memory]
	Status Fact[mooring.Status]
	Older  Fact[Older]             // what the function that is replaced wrote; not looked at where there is none
	Others Fact[[]Function]        // functions whose environment names the group
	Tags   Fact[map[string]string] // of the group

	Name Fact[mooring.Observation]

	Group      Fact[Group]
	Attributes Fact[map[string]string] // of the group
	NLBs       Fact[[]Balancer]        // that the group is attached to
	Listeners  Fact[[]Listener]        // of those
	Addresses  Fact[[]Interface]       // the network interfaces of those

	ALB            Fact[*Balancer] // that the name is of; nil where it is none of this account and region
	ALBListeners   Fact[[]Listener]
	ALBGroups      Fact[int] // groups of type alb that hold it
	SecurityGroups Fact[map[string]SecurityGroup]
}

// A Binding is what the facts are about.
type Binding struct {
	Name      string
	Hostnames []string
	Port      uint16 // 0: the group's own, which could not be read
	Group     string // the ARN, or tcp://ADDR:PORT
	Front     bool   // the group is a front: nothing of AWS's load balancing is there
	Mode      mooring.Mode
	Whole     bool   // one answer is declared to hold everything
	Zone      string // with which addresses outside the VPC are registered: auto, all, none, or a zone's name
	DNS       string // auto, authoritative or resolver

	Region       string // that is configured; "" where none is
	GroupRegion  string // of the group's ARN
	GroupAccount string
	Memory       string // s3, file or none
}

// An Identity is who the credentials belong to.
type Identity struct{ Account, ARN string }

// A Reach is whether an API answered, whatever it said.
type Reach struct {
	Service  string // as endpoints name it, such as elasticloadbalancing
	Endpoint string // the VPC endpoint that reaches it from a private subnet; "" where there is none
	Err      error  // why it did not answer
	Silent   bool   // it said nothing at all for as long as was waited
}

// A Need is an action that rounds of the binding call.
type Need struct {
	Action   string // such as elasticloadbalancing:RegisterTargets
	Resource string // an ARN, or *
	Context  []Context
}

// A Context is what a call says of itself, which conditions of policies ask for.
type Context struct {
	Key    string // such as aws:RequestedRegion
	Values []string
	List   bool // the key has several values at once
}

// A Permission is whether IAM would allow a need.
type Permission struct {
	Need
	Allowed bool
	Why     string   // explicitDeny, implicitDeny, or what forbids it
	Asks    []string // the keys of conditions that would have had to be known to tell
}

// A Memory is what was tried of the place where the binding's memory is kept.
type Memory struct {
	Where   string // for people
	Read    error  // why it could not be read; nil also where nothing is there yet
	Found   bool   // there is a memory
	Probe   string // what was to be written, on S3: the URL of an object that never comes to be
	Write   error  // why it cannot be written; nil where it can
	Loose   bool   // a write whose condition does not hold was done all the same: the probe is there now
	Doubt   error  // a refusal that does not tell whether writing or only seeing is denied
	Unasked bool   // nobody tried to write, for it could not be read either
}

// An Older is what an older function left.
type Older struct {
	Source  string
	Written time.Time
}

// A Function is one of Lambda whose environment names the group.
type Function struct{ Name, Runtime, Variable string }

// A Group is a target group.
type Group struct {
	Type, Protocol, VPC string
	Port                uint16
	IPv6                bool
	Balancers           []string // the ARNs
	Check               HealthCheck
}

// A HealthCheck is how its targets are checked.
type HealthCheck struct {
	Enabled              bool
	Protocol, Port, Path string
	Matcher              string // of status codes, such as 200-399
}

// A Balancer is a load balancer.
type Balancer struct {
	ARN, Name, Type, Scheme, State, VPC, DNSName string
	SecurityGroups                               []string
	Zones                                        []Zone
	Pool                                         string // of public IPv4 addresses
	Attributes                                   map[string]string
	AttributesErr                                error
}

// A Zone is where a load balancer has a node.
type Zone struct {
	Name, Subnet string
	Fixed        []string // addresses that were given to it: Elastic IP addresses, private ones, IPv6
}

// A Listener of a load balancer.
type Listener struct {
	ARN, Balancer, Protocol string
	Port                    uint16
	Actions                 []Action // of its default rule
	ClientCert              bool     // clients have to show one
	Rules                   []Rule   // in the order in which they are asked
	RulesErr                error
	Idle                    time.Duration // of a TCP or TLS listener of a network load balancer; 0 where it has none
	IdleErr                 error
}

// An Action is what is done with a request, or a flow.
type Action struct {
	Type   string   // forward, redirect, fixed-response, authenticate-oidc ...
	Groups []string // forward
	Code   int      // of the answer: redirect and fixed-response
}

// A Rule of an application load balancer's listener.
type Rule struct {
	Priority   int                 // the lowest is asked first
	Conditions map[string][]string // by field, such as host-header; of a field that is not understood nil
	Actions    []Action
}

// An Interface is a network interface of a load balancer.
type Interface struct {
	Balancer string // the ARN
	Zone     string
	Addr     netip.Addr
}

// A SecurityGroup is what it admits, and what it lets out.
type SecurityGroup struct{ Rules, Out []Ingress }

// An Ingress admits flows to a range of ports, from some sources, or out to them.
type Ingress struct {
	Protocol string // tcp, or -1 for all
	From, To int
	CIDRs    []netip.Prefix
	Groups   []string
	Lists    []string // prefix lists, which are not read
}

// attached are the listeners that send to the group.
func (f *Facts) attached() []Listener {
	return slices.DeleteFunc(slices.Clone(f.Listeners.Value), func(l Listener) bool { return !l.sends(f.Binding.Group) })
}

func (l Listener) sends(group string) bool {
	return slices.ContainsFunc(l.Actions, func(a Action) bool { return slices.Contains(a.Groups, group) })
}

// alb is the application load balancer, where it is known.
func (f *Facts) alb() (*Balancer, bool) { return f.ALB.Value, f.ALB.known() && f.ALB.Value != nil }

// port is the binding's.
func (f *Facts) port() uint16 { return cmp.Or(f.Binding.Port, f.Group.Value.Port) }

// preserves tells whether client addresses are kept, which cannot be changed of UDP; false where that is not known.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html#client-ip-preservation
func (f *Facts) preserves() bool {
	return f.Attributes.Value["preserve_client_ip.enabled"] == "true" || f.Group.Value.Protocol == "TCP_UDP"
}

// crossZone tells whether a node of the network load balancer uses targets of all zones, and whether that is known.
func (f *Facts) crossZone() (on, known bool) {
	const key = "load_balancing.cross_zone.enabled"
	if !f.Attributes.known() {
		return false, false
	}
	switch f.Attributes.Value[key] {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	if !f.NLBs.known() {
		return false, false
	}
	for _, lb := range f.NLBs.Value { // use_load_balancer_configuration, the default
		if lb.AttributesErr != nil {
			return false, false
		}
		if lb.Attributes[key] != "true" {
			return false, true
		}
	}
	return true, true
}

// isELB tells whether a name is one that AWS gives to an application or classic load balancer, and of which region.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
func isELB(host string) (region string, ok bool) {
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(host), "."), ".")
	n := len(labels)
	if n < 5 {
		return "", false
	}
	if tail := strings.Join(labels[n-3:], "."); tail == "elb.amazonaws.com" {
		return labels[n-4], true
	}
	if n > 5 && strings.Join(labels[n-4:], ".") == "elb.amazonaws.com.cn" {
		return labels[n-5], true
	}
	return "", false
}

// errText is an error on one line that fits a table: of what AWS answers the code and the words.
func errText(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		err = errors.New(api.ErrorCode() + ": " + api.ErrorMessage())
	}
	text := err.Error()
	return short(strings.Join(strings.Fields(mooring.Printable(strings.ToValidUTF8(text[:min(len(text), 4*most)], ""))), " "))
}

// most is how many characters are told of anything: replies may hold whatever somebody names a load balancer, or worse.
const most = 500

func short(text string) string {
	if len(text) <= most {
		return text
	}
	if runes := []rune(text[:min(len(text), 4*most)]); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func pass(format string, args ...any) []Finding {
	return []Finding{{Verdict: Pass, Seen: fmt.Sprintf(format, args...)}}
}

// unknown says what hid a fact, and what to allow where that was a permission.
func unknown(what string, err error) []Finding {
	f := Finding{Verdict: Unknown, Seen: what + ": " + errText(err)}
	if denied, ok := errors.AsType[*mooring.Denied](err); ok {
		f.Do = "allow " + denied.Action + " to whoever runs doctor, to have this checked"
	}
	return []Finding{f}
}

func finding(v Verdict, seen, do string) []Finding {
	return []Finding{{Verdict: v, Seen: seen, Do: do}}
}

// list joins words for people.
func list[T any](items []T) string {
	const most = 8
	var words []string
	for _, item := range items[:min(len(items), most)] {
		words = append(words, fmt.Sprint(item))
	}
	if more := len(items) - most; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}
