package shift_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/smithy-go"

	"mooring/internal/shift"
)

// A fakeZone keeps the records of one name by the rules of ChangeResourceRecordSets: a batch is made wholly or not at all;
// DELETE wants exactly what is there; CREATE wants nothing there; a name and type is either simple or weighted; a weight is
// 0 to 255; a CNAME stands alone.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
type fakeZone struct {
	sets    []shift.Set
	batches int
	pending int // how often a change is asked for before it is in sync

	before func(batch int) error // before a batch is made: an error refuses it, as that of AWS
	after  func(batch int) error // after it was made: the answer is lost
	seen   func([]shift.Set)     // what is there after each batch
}

func (z *fakeZone) Records(context.Context) ([]shift.Set, error) { return slices.Clone(z.sets), nil }

func (z *fakeZone) Synced(context.Context, string) (bool, error) {
	if z.pending > 0 {
		z.pending--
		return false, nil
	}
	return true, nil
}

func (z *fakeZone) Change(ctx context.Context, changes []types.Change, _ string) (string, error) {
	z.batches++
	if z.before != nil {
		if err := z.before(z.batches); err != nil {
			return "", err
		}
	}
	if err := ctx.Err(); err != nil { // the request is cut off
		return "", err
	}
	next, err := made(z.sets, changes)
	if err != nil {
		return "", &smithy.GenericAPIError{Code: "InvalidChangeBatch", Message: err.Error()}
	}
	z.sets = next
	if z.seen != nil {
		z.seen(next)
	}
	if z.after != nil {
		if err := z.after(z.batches); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("C%d", z.batches), nil
}

func made(sets []shift.Set, changes []types.Change) ([]shift.Set, error) {
	if len(changes) == 0 {
		return nil, errors.New("the batch is empty")
	}
	next := slices.Clone(sets)
	for _, c := range changes {
		s := *c.ResourceRecordSet
		at := slices.IndexFunc(next, func(o shift.Set) bool {
			return o.Type == s.Type && aws.ToString(o.SetIdentifier) == aws.ToString(s.SetIdentifier)
		})
		switch c.Action {
		case types.ChangeActionDelete:
			if at < 0 || !shift.Same(next[at], s) {
				return nil, fmt.Errorf("tried to delete %s %s, but the values provided do not match the current values", s.Type, aws.ToString(s.SetIdentifier))
			}
			next = slices.Delete(next, at, at+1)
		case types.ChangeActionCreate:
			if at >= 0 {
				return nil, fmt.Errorf("tried to create %s %s, but it already exists", s.Type, aws.ToString(s.SetIdentifier))
			}
			next = append(next, s)
		default:
			return nil, fmt.Errorf("action %s", c.Action)
		}
		if err := valid(next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func valid(sets []shift.Set) error {
	for _, s := range sets {
		alias := s.AliasTarget != nil
		switch {
		case (s.SetIdentifier == nil) != (s.Weight == nil):
			return errors.New("a SetIdentifier without a weight, or a weight without one")
		case s.Weight != nil && (*s.Weight < 0 || *s.Weight > 255):
			return errors.New("the weight is not in 0 to 255")
		case alias && (s.TTL != nil || len(s.ResourceRecords) > 0), !alias && (s.TTL == nil || len(s.ResourceRecords) == 0):
			return errors.New("want an alias, or a TTL and values")
		}
		for _, o := range sets {
			if o.Type == s.Type && (o.SetIdentifier == nil) != (s.SetIdentifier == nil) {
				return errors.New("simple and weighted records of a name and type do not stand side by side")
			}
			if o.Type != s.Type && (o.Type == types.RRTypeCname || s.Type == types.RRTypeCname) {
				return errors.New("a CNAME stands alone")
			}
		}
	}
	return nil
}

const (
	name     = "app.example.com."
	albName  = "dualstack.internal-app-1234567890.eu-west-1.elb.amazonaws.com."
	nlbName  = "front-0123456789abcdef.elb.eu-west-1.amazonaws.com"
	otherNLB = "other-0123456789abcdef.elb.eu-west-1.amazonaws.com."
)

var steps = []int{1, 5, 25, 50, 100}

func balancer() shift.Balancer {
	return shift.Balancer{Name: "front", DNSName: nlbName, ZoneID: "Z2IFOLAFXWLO4F", Dualstack: true}
}

func alias(t types.RRType, to string) shift.Set {
	return shift.Set{Name: aws.String(name), Type: t, AliasTarget: &types.AliasTarget{
		DNSName: aws.String(to), HostedZoneId: aws.String("Z32O12XQLNTSW2"), EvaluateTargetHealth: true,
	}}
}

func values(t types.RRType, ttl int64, list ...string) shift.Set {
	s := shift.Set{Name: aws.String(name), Type: t, TTL: aws.Int64(ttl)}
	for _, v := range list {
		s.ResourceRecords = append(s.ResourceRecords, types.ResourceRecord{Value: aws.String(v)})
	}
	return s
}

func member(s shift.Set, id string, weight int64) shift.Set {
	s.SetIdentifier, s.Weight = aws.String(id), aws.Int64(weight)
	return s
}

func read(t testing.TB, sets []shift.Set, only ...types.RRType) shift.State {
	t.Helper()
	s, err := shift.Read(sets, false, only)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shares are how many percent of each type's answers lead to the NLB, as they are listed.
func shares(sets []shift.Set) string {
	var out []string
	for _, s := range sets {
		if aws.ToString(s.SetIdentifier) == shift.NLB {
			out = append(out, fmt.Sprintf("%s %d", s.Type, *s.Weight))
		} else if s.SetIdentifier == nil {
			out = append(out, fmt.Sprintf("%s simple", s.Type))
		}
	}
	return strings.Join(out, ", ")
}
