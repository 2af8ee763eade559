package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mooring"
)

// usesAWS tells whether the binding calls AWS at all.
func (f *Facts) usesAWS() bool { return !f.Binding.Front || f.Binding.Memory == "s3" }

func checkCredentials(f *Facts) []Finding {
	switch {
	case !f.usesAWS() || !f.Identity.Looked:
		return nil
	case f.Identity.Err == nil:
		return pass("%s", f.Identity.Value.ARN)
	case isDenied(f.Identity.Err): // by the policy of a VPC endpoint: AWS knows them
		return unknown("AWS takes them, and does not say whose they are", f.Identity.Err)
	case sent(f.Identity.Err) && !answered(f.Identity.Err):
		return unknown("nobody says whose credentials these are", f.Identity.Err)
	case errors.Is(f.Identity.Err, errSilent):
		return finding(Fail, "what gives credentials did not answer within 3 s: "+errText(f.Identity.Err),
			"for a role (--role-arn, AWS_ROLE_ARN) it takes a way to STS: a NAT gateway or "+endpointWords(Reach{Service: "sts", Endpoint: endpointOf("sts", f.Binding.GroupRegion)})+
				"; where the machine has no role, a profile or keys")
	default:
		return finding(Fail, errText(f.Identity.Err),
			"give mooring credentials: a role of the function or machine, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; check --role-arn and --external-id")
	}
}

// checkAccount compares whose credentials they are with whose the group is. A group is changed by its own account only.
func checkAccount(f *Facts) []Finding {
	b := f.Binding
	if !f.Identity.known() {
		return nil
	}
	if who := f.Identity.Value.Account; who != b.GroupAccount {
		return finding(Fail, fmt.Sprintf("the credentials are of account %s, the group of %s", who, b.GroupAccount),
			"give the ARN of a role in account "+b.GroupAccount+" with --role-arn: only the group's own account registers targets")
	}
	if b.Region != "" && b.Region != b.GroupRegion {
		return finding(Warn, fmt.Sprintf("the group is in %s, and the configured region is %s", b.GroupRegion, b.Region),
			"load balancing is asked in the group's region; everything else, the memory's bucket too, in "+b.Region+": set --region if that is not meant")
	}
	return pass("account %s, region %s", b.GroupAccount, b.GroupRegion)
}

// checkReach is about the hang that functions in private subnets have: nothing refuses, and nothing answers.
func checkReach(f *Facts) []Finding {
	var out []Finding
	var answered []string
	for _, r := range f.Reached {
		if r.Err == nil {
			answered = append(answered, r.Service)
			continue
		}
		one := Finding{Verdict: Fail, Seen: r.Service + ": " + errText(r.Err), Do: "check the network, AWS_ENDPOINT_URL and the proxy of whoever runs mooring"}
		if r.Silent {
			one.Seen = r.Service + " did not answer within 3 s"
			one.Do = "from a private subnet it takes a NAT gateway or " + endpointWords(r)
		}
		if r.Service == "ec2" {
			one.Verdict, one.Seen = Warn, one.Seen+"; rounds do without, each cold start waits for it, and zones are learned from refusals"
		}
		out = append(out, one)
	}
	if len(out) == 0 && len(answered) > 0 {
		return pass("%s", strings.Join(answered, ", "))
	}
	return out
}

func endpointWords(r Reach) string {
	switch {
	case r.Endpoint == "":
		return "an endpoint for it in the VPC"
	case r.Service == "s3":
		return "a gateway endpoint " + r.Endpoint + ", in the subnet's route table"
	default:
		return "an interface endpoint " + r.Endpoint + ", whose security group admits port 443"
	}
}

const (
	// skewWarn is the age at which a round gives its plan up, and a third of the default hold: by so much the times that
	// two machines write into one memory may differ unnoticed.
	skewWarn = 30 * time.Second
	// skewFail is what AWS's signatures bear: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
	skewFail = 5 * time.Minute
)

func checkClock(f *Facts) []Finding {
	if !f.Skew.known() {
		return nil // nobody answered, which other checks say
	}
	skew, way := f.Skew.Value.Round(time.Second), "behind"
	if skew < 0 {
		skew, way = -skew, "ahead of"
	}
	seen := fmt.Sprintf("%s %s AWS's", skew, way)
	do := "set the clock by NTP (on AWS 169.254.169.123): misses, hold and the lease are counted in wall time"
	switch {
	case skew >= skewFail:
		return finding(Fail, seen, do+", and AWS refuses signatures that are 5 min off")
	case skew > skewWarn:
		return finding(Warn, seen, do)
	default:
		return pass("within %s of AWS's", max(skew, time.Second))
	}
}

// checkPermissions trusts what AWS did more than what it simulates, which knows of no policy of a bucket, a key or a topic.
func checkPermissions(f *Facts) []Finding {
	if !f.usesAWS() || !f.Permissions.Looked {
		return nil
	}
	if f.Permissions.Err != nil {
		out := unknown("IAM does not simulate the policy", f.Permissions.Err)
		if len(f.Denied) > 0 {
			out[0].Seen += "; denied while looking: " + list(f.Denied)
		}
		return out
	}
	var out []Finding
	for _, p := range f.Permissions.Value {
		if p.Allowed || f.proved(p) {
			continue
		}
		seen := fmt.Sprintf("%s on %s is not allowed (%s)", p.Action, p.Resource, p.Why)
		missing := &mooring.Denied{Action: p.Action, Resource: p.Resource}
		one := Finding{Verdict: Fail, Seen: seen, Do: "add this statement to the policy of the role: " + missing.Statement()}
		switch {
		case len(p.Asks) > 0:
			one.Verdict, one.Seen = Unknown, fmt.Sprintf("%s on %s depends on %s, which the simulation is not told", p.Action, p.Resource, list(p.Asks))
			one.Do = "see in the policy what that must be"
		case p.Why == "implicitDeny" && hasOwnPolicy(p.Action):
			one.Verdict, one.Seen = Warn, seen+", unless the policy of what is called allows it, which is not simulated"
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return pass("all %d actions that a round may call, as IAM simulates them", len(f.Permissions.Value))
	}
	return out
}

// proved tells whether AWS did what a permission is for. The write of the memory is proved by its probe's refusal.
func (f *Facts) proved(p Permission) bool {
	m := f.Memory.Value
	switch {
	case p.Resource == "*":
		return slices.Contains(f.Done, p.Action)
	case !strings.HasSuffix(p.Resource, ":::"+strings.TrimPrefix(m.Where, "s3://")):
		return false
	case p.Action == "s3:GetObject":
		return m.Found
	default:
		return p.Action == "s3:PutObject" && m.Probe != "" && m.Write == nil && m.Doubt == nil && !m.Loose
	}
}

// hasOwnPolicy tells whether what an action is on may have a policy that allows it by itself, in the same account:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
func hasOwnPolicy(action string) bool {
	service, _, _ := cutAction(action)
	return slices.Contains([]string{"s3", "kms", "sns", "events", "dynamodb", "sts"}, service)
}

func checkMemory(f *Facts) []Finding {
	switch m := f.Memory.Value; {
	case f.Binding.Memory == "none":
		if f.Binding.Mode != mooring.ModeSync {
			return pass("there is none, and mode %s removes nobody", f.Binding.Mode)
		}
		return finding(Warn, "there is none: nobody ever leaves, and dead targets pile up", "give it one with --memory s3://BUCKET or file:DIR")
	case !f.Memory.Looked:
		return nil
	case f.Memory.Err != nil:
		return unknown("the memory was not looked at", f.Memory.Err)
	case isDenied(m.Read):
		return finding(Warn, "AWS denies reading "+m.Where+": "+errText(m.Read),
			"allow s3:GetObject on it; before the first round it may only be missing, which AWS tells apart with s3:ListBucket alone")
	case m.Read != nil:
		return finding(Fail, errText(m.Read), "until it can be read nobody leaves: check the bucket's name, region and account, or the directory's mode")
	case !m.Found:
		return pass("%s: nothing is there yet, the first round begins it", m.Where)
	case f.Status.known() && f.Status.Value.MemoryErr != nil:
		return finding(Fail, errText(f.Status.Value.MemoryErr),
			"nobody leaves until it can be read: run the version that wrote it, or move the object away to begin anew, which removes nobody")
	default:
		return pass("%s%s", m.Where, savedAt(f.Status))
	}
}

func savedAt(s Fact[mooring.Status]) string {
	if m := s.Value.Memory; s.known() && m.Revision > 0 {
		return fmt.Sprintf(": revision %d, saved %s by %s", m.Revision, m.Saved.UTC().Format(time.RFC3339), m.Program)
	}
	return ""
}

func checkMemoryWrite(f *Facts) []Finding {
	m := f.Memory.Value
	switch {
	case !f.Memory.known() || f.Binding.Memory == "none":
		return nil
	case m.Unasked:
		return []Finding{{Verdict: Unknown, Seen: "it was not tried, for the memory could not be read"}}
	case m.Loose:
		return finding(Fail, "the store wrote "+m.Probe+" although its condition does not hold, and it is there now: delete it",
			"keep the memory in a store that honours If-Match: two rounds at once would overwrite each other here")
	case isDenied(m.Write):
		return f.deniedWrite(m)
	case m.Write != nil:
		return finding(Fail, errText(m.Write), "until it can be written nobody leaves: check the bucket, its policy and its key, or the directory's mode")
	case m.Doubt != nil:
		return []Finding{{
			Verdict: Unknown, Seen: "AWS refuses the probe, as it also does with what may be written and not be listed: " + errText(m.Doubt),
			Do: "allow s3:ListBucket on the bucket to whoever runs doctor, to have this told apart",
		}}
	case m.Probe != "":
		return pass("a write whose condition does not hold was refused, as it must be")
	default:
		return pass("%s", m.Where)
	}
}

// deniedWrite is about the probe, which is beside the memory: a policy that names the memory alone, as mooring's own does,
// denies the probe and says nothing of the memory.
func (f *Facts) deniedWrite(m Memory) []Finding {
	allow := "allow s3:PutObject, and s3:GetObject, which conditions take, on the memory: without memory nobody leaves"
	i := slices.IndexFunc(f.Permissions.Value, func(p Permission) bool {
		return p.Action == "s3:PutObject" && strings.HasSuffix(p.Resource, ":::"+strings.TrimPrefix(m.Where, "s3://")) && len(p.Asks) == 0
	})
	denied, _ := errors.AsType[*mooring.Denied](m.Write)
	switch {
	case !strings.HasPrefix(denied.Action, "s3:") || strings.Contains(m.Write.Error(), "explicit deny") || i >= 0 && !f.Permissions.Value[i].Allowed:
		return finding(Fail, errText(m.Write), allow)
	case i >= 0:
		return pass("allowed, as IAM simulates it; the probe beside it is denied, so conditions were not tried")
	default:
		seen := "AWS denies the probe beside the memory, which says nothing where the policy names the memory alone"
		if f.Status.known() && f.Status.Value.Memory.Revision > 0 {
			seen += savedAt(f.Status)
		}
		return finding(Unknown, seen, "allow what mooring iam-policy --for doctor prints to whoever runs doctor, to have this checked; or else "+allow)
	}
}
