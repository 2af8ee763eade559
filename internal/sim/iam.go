package sim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// IAM judges the calls to an [AWS] by policies of identities: a call that no statement allows is denied, and so is one that
// any statement denies. Its zero value denies everything.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
//
// It knows identity-based policies alone, and of them what this world needs: other elements than Sid, Effect, Action,
// Resource and Condition are refused, and a condition's operator that it does not know never lets anybody through.
type IAM struct {
	Account string              // of the process's own keys, and the owner of all buckets; "": 111122223333
	Owners  map[string]string   // of buckets, by name; for others it is Account
	Keys    map[string][]string // of KMS: the aliases of each, by its ARN

	mu     sync.Mutex
	of     map[string][]statement
	denied []Denial
}

// A Denial is a permission that somebody had not.
type Denial struct {
	Identity         string // the role's account and name, with a hyphen between; or the access key
	Action, Resource string
}

// Attach gives somebody policies instead of those that he had: a role by its ARN, other people by their access key, and with
// "" all who have none of their own and are no roles.
func (i *IAM) Attach(who string, documents ...string) error {
	var all []statement
	for _, d := range documents {
		some, err := parsePolicy(d)
		if err != nil {
			return fmt.Errorf("policy of %q: %w", who, err)
		}
		all = append(all, some...)
	}
	if parts := roleARN.FindStringSubmatch(who); parts != nil {
		who = parts[1] + "-" + parts[2][strings.LastIndex(parts[2], "/")+1:]
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.of == nil {
		i.of = map[string][]statement{}
	}
	i.of[who] = all
	return nil
}

// Denied returns what was denied so far, in order. A missing object that is a denied one to who may not list its bucket is
// not among it.
func (i *IAM) Denied() []Denial {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.denied)
}

// Forget empties what [IAM.Denied] returns.
func (i *IAM) Forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.denied = nil
}

// Unused lists the permissions, each an action on a resource of a statement, that no call has needed so far.
func (i *IAM) Unused() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for _, who := range slices.Sorted(maps.Keys(i.of)) {
		for _, s := range i.of[who] {
			for a := range s.actions {
				for r := range s.resources {
					if !s.used[[2]int{a, r}] {
						out = append(out, fmt.Sprintf("%s %s: %s on %s", who, s.sid, s.actions[a].text, s.resources[r].text))
					}
				}
			}
		}
	}
	return out
}

// refusal is the first of a call's demands that is not met. hides tells whether a missing object is kept secret.
func (i *IAM) refusal(r *http.Request, c AWSCall, s3 *S3) (denied *Denial, hides bool) {
	key, region, _ := signer(r)
	who := i.identity(key)
	for _, d := range i.demands(r, c, region, s3) {
		if i.allows(who, d) {
			continue
		}
		if d.silent {
			hides = true
			continue
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		d := Denial{who, d.action, d.resource}
		i.denied = append(i.denied, d)
		return &d, hides
	}
	return nil, hides
}

// identity is whose policies count for who signed with a key.
func (i *IAM) identity(key string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if lent.MatchString(key) {
		return strings.TrimPrefix(key, lentKey)
	}
	if _, own := i.of[key]; own {
		return key
	}
	return ""
}

func (i *IAM) allows(who string, d demand) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	allowed := false
	for _, s := range i.of[who] {
		hit := s.matches(d)
		if len(hit) == 0 {
			continue
		}
		if s.denies {
			return false
		}
		for _, h := range hit {
			s.used[h] = true
		}
		allowed = true
	}
	return allowed
}

// refuse answers a call as AWS does to who may not make it.
func (d Denial) refuse(w http.ResponseWriter, c AWSCall) {
	code, message := denial(c)
	if c.Service == "s3" && !strings.HasPrefix(d.Action, "kms:") {
		message = S3DeniedTo(d.Action, d.Resource).Error.Message
	}
	if strings.HasPrefix(d.Action, "kms:") { // S3 says what its own permission does not cover
		message = "User: arn:aws:sts::111122223333:assumed-role/mooring/session is not authorized to perform: " + d.Action +
			" on resource: " + d.Resource + " because no identity-based policy allows the " + d.Action + " action"
	}
	status := http.StatusForbidden
	if c.Service == "dynamodb" || c.Service == "events" {
		status = http.StatusBadRequest // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
	}
	awsError(w, c.Service, status, code, message)
}
