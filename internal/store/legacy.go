package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// LegacyConfig says which older function ran, and where it kept its state.
type LegacyConfig struct {
	Format string // one of [LegacyFormats]

	Bucket string // all but cresta
	Owner  string // the account that must own the bucket; "": not checked

	// Name is in the state's keys. v1: ALB_DNS_NAME; v3: TARGET_FQDN; read-replica: STATE_PREFIX;
	// dual-group: the load balancer's name; cresta has none.
	Name        string
	TargetGroup string   // the group's ARN; v1, v3, cresta
	Table       string   // cresta: its DynamoDB table
	Hostnames   []string // cresta: an item each
	TLS         bool     // dual-group: the second group, whose objects end in _tls.json
	Misses      int      // v3: INVOCATIONS_BEFORE_DEREGISTRATION, from which it counts down; 0: its default of 3
}

const (
	formatV1          = "v1"
	formatV3          = "v3"
	formatCresta      = "cresta"
	formatReadReplica = "read-replica"
	formatDualGroup   = "dual-group"
)

// LegacyFormats lists what can be taken over:
//   - v1: AWS's functions of 2018 and 2021, and two variants of the first; whichever wrote last
//   - v3: AWS's hostname-as-target of 2020
//   - cresta: cresta/hostname-for-target-group, by DynamoDB
//   - read-replica: AWS's function for the read replicas of RDS
//   - dual-group: the function for two groups of one load balancer
func LegacyFormats() []string {
	return []string{formatV1, formatV3, formatCresta, formatReadReplica, formatDualGroup}
}

// ConnectLegacy reads what the function left, by a client of its own. An unknown format is an error, and so is a
// missing setting.
func ConnectLegacy(cfg aws.Config, c LegacyConfig) (Legacy, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Format == formatCresta {
		return newCresta(connectDynamoDB(cfg), c), nil
	}
	return newLegacyObjects(ConnectS3API(cfg), c), nil
}

// check wants what the format needs to be there.
func (c LegacyConfig) check() error {
	if !slices.Contains(LegacyFormats(), c.Format) {
		return fmt.Errorf("older function %q: unknown; want one of %s", c.Format, strings.Join(LegacyFormats(), ", "))
	}
	var missing []string
	need := func(there bool, what string) {
		if !there {
			missing = append(missing, what)
		}
	}
	if c.Format == formatCresta {
		need(c.Table != "", "table")
		need(len(c.Hostnames) > 0, "hostname")
	} else {
		need(c.Bucket != "", "bucket")
		need(c.Name != "", "name")
	}
	if c.Format == formatCresta || c.Format == formatV3 {
		need(c.TargetGroup != "", "target group")
	}
	if len(missing) > 0 {
		return fmt.Errorf("older function %s: no %s given", c.Format, strings.Join(missing, ", no "))
	}
	return nil
}

// Keys are all keys under which the function may have left its state on S3.
func (c LegacyConfig) Keys() []string {
	if c.Format == formatCresta {
		return nil
	}
	var out []string
	for _, t := range c.traces() {
		for _, p := range t.parts {
			out = append(out, p.key)
		}
	}
	return out
}

// ItemKeys are the partition keys of all items that the function may have left in its DynamoDB table.
func (c LegacyConfig) ItemKeys() []string {
	if c.Format != formatCresta {
		return nil
	}
	var out []string
	for _, hostname := range c.Hostnames {
		out = append(out, crestaKey(c.TargetGroup, hostname))
	}
	return out
}

// A trace is what one older function may have left on S3.
type trace struct {
	source string // which function it was, for people
	parts  []part
}

// A part is one object of a trace.
type part struct {
	key  string
	read reader
}

// traces are where the functions of the format keep their state. The misspelt keys are theirs.
func (c LegacyConfig) traces() []trace {
	switch c.Format {
	case formatV1:
		return c.tracesOfV1()
	case formatV3:
		return []trace{{formatV3, []part{{v3Key(c.Name, c.TargetGroup), readCountdown(c.Misses)}}}}
	case formatDualGroup:
		end := ".json"
		if c.TLS {
			end = "_tls.json"
		}
		return []trace{pair(formatDualGroup, c.Name+"/active_ip"+end, c.Name+"/pending_ip"+end)}
	default:
		return []trace{pair(c.Format, c.Name+v2Active, c.Name+v2Pending)}
	}
}

func (c LegacyConfig) tracesOfV1() []trace {
	own := c.TargetGroup + "/" + c.Name + "/"
	return []trace{
		pair("v1", v1Active(c.Name), v1Pending(c.Name)),
		pair("v1, one folder a group", own+"active.json", own+"pending.json"),
		pair("v1, one folder a group, long names", own+"Active IP list of "+c.Name+".json",
			own+"Pending deregistration IP list of "+c.Name+".json"),
		pair("v2", c.Name+v2Active, c.Name+v2Pending),
	}
}

// The names of v1's, v2's and v3's objects.
const (
	v2Active  = "/active_ip.json"
	v2Pending = "/pending_ip.json"
)

func v1Active(name string) string {
	return name + "-active-registered-IPs/Active IP list of " + name + ".json"
}

func v1Pending(name string) string {
	return name + "-pending-deregisteration-IPs/Pending deregisteration IP list of " + name + ".json"
}

func v3Key(name, targetGroup string) string {
	return "Tracked IP list for " + name + " - " + strings.ReplaceAll(targetGroup, "/", "-")
}

// pair is the trace of a function that keeps the addresses it registered, and those it is about to deregister.
func pair(source, active, pending string) trace {
	return trace{source, []part{{active, readActive}, {pending, readPending}}}
}
