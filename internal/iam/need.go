// Package iam makes policies: from what an identity does to the narrowest permissions that AWS has for it. It is pure; who
// does what is known elsewhere.
//
// What can be narrowed by a resource or a condition, and what must be *, is from the Service Authorization Reference:
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
package iam

import "strings"

// A Mode is what may change of a target group.
type Mode string

// The modes, as bindings have them.
const (
	Sync    Mode = "sync"     // targets come and go
	AddOnly Mode = "add-only" // targets come
	Observe Mode = "observe"  // nothing
)

// A Need is what one identity does: for one binding, or for the process. What is zero it does not do. ARNs and keys are in
// the syntax of a policy's resources, in which * and ? stand for others; [Literal] makes it of any text.
type Need struct {
	// For is a purpose beside the rounds, as [Purposes] lists them. Then all below is what that is about, and the calls of that
	// purpose are allowed, in place of those of the rounds.
	For string

	Zones []string // ARNs of the hosted zones that are changed; none: any of the partition aws

	Group string // ARN of the target group that it reads
	Mode  Mode   // and what it changes there; "" is nothing

	Objects    []Object
	Keys       []Key
	Items      []Item
	Namespaces []string // of metrics that it puts
	Topics     []string // ARNs of SNS topics that it publishes to
	Buses      []Bus    // of EventBridge, that it puts events on
	Roles      []string // ARNs of roles that it assumes
	LogGroups  []string // ARNs, without :* at the end; a function's runtime writes there
}

// A Use is what an object is for.
type Use int

// The uses, in the order of their statements.
const (
	ForMemory        Use = iota // read and written
	ForLease                    // read and written
	ForOlderState               // read
	ForOlderStateToo            // read and written
	ForConfiguration            // read
)

// An Object is one on S3, or several.
type Object struct {
	Use                    Use
	Partition, Bucket, Key string // Partition "": aws
	Owner                  string // the account that must own the bucket; "": any
	Why                    string // the key is no exact one
}

// A Key is one of KMS that encrypts objects. What S3 does with it is done in the name of who reads and writes them.
type Key struct {
	ARN     string
	Alias   string // the key has it, and the ARN ends in key/*: a policy cannot name an alias
	Service string // s3.REGION.amazonaws.com, by which alone it is used
	Why     string // the ARN is no exact one
}

// An Item is one of a DynamoDB table, by its partition key. It is read.
type Item struct {
	Table, Key string // the table's ARN
	Why        string // the ARN is no exact one
}

// A Bus is one of EventBridge.
type Bus struct {
	ARN string
	Why string // the ARN is no exact one
}

// Literal is text in a resource, or in a condition that takes patterns, that stands for itself alone:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func Literal(text string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(text)
}

// Exact is [Literal] undone: the one text that a resource or a value of a policy stands for. ok is false where it stands for
// several.
func Exact(pattern string) (text string, ok bool) {
	rest := strings.NewReplacer("${*}", "", "${?}", "", "${$}", "").Replace(pattern)
	return strings.NewReplacer("${*}", "*", "${?}", "?", "${$}", "$").Replace(pattern), !strings.ContainsAny(rest, "*?")
}

func (o Object) arn() string {
	partition := o.Partition
	if partition == "" {
		partition = "aws"
	}
	return "arn:" + partition + ":s3:::" + o.Bucket + "/" + o.Key
}

// regionOf is the region in an ARN.
func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3]
	}
	return ""
}
