package shift

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// The calls of AWS's SDK that are made, in groups of what they are for.
type (
	// ZonesAPI finds a hosted zone.
	ZonesAPI interface {
		GetHostedZone(context.Context, *route53.GetHostedZoneInput, ...func(*route53.Options)) (*route53.GetHostedZoneOutput, error)
		ListHostedZonesByName(context.Context, *route53.ListHostedZonesByNameInput, ...func(*route53.Options)) (*route53.ListHostedZonesByNameOutput, error)
	}

	// RecordsAPI reads and changes records.
	RecordsAPI interface {
		ListResourceRecordSets(context.Context, *route53.ListResourceRecordSetsInput, ...func(*route53.Options)) (*route53.ListResourceRecordSetsOutput, error)
		ChangeResourceRecordSets(context.Context, *route53.ChangeResourceRecordSetsInput, ...func(*route53.Options)) (*route53.ChangeResourceRecordSetsOutput, error)
		GetChange(context.Context, *route53.GetChangeInput, ...func(*route53.Options)) (*route53.GetChangeOutput, error)
	}
)

const (
	callTime   = 20 * time.Second // of one call with all its retries
	maxPages   = 20
	maxAttempt = 8 // Route 53 takes 5 calls a second of a whole account: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html
)

// ConnectRoute53 returns AWS's client of Route 53, which is patient with an account that calls too often.
func ConnectRoute53(cfg aws.Config) *route53.Client {
	return route53.NewFromConfig(cfg, func(o *route53.Options) {
		o.HTTPClient = bounded{next: o.HTTPClient}
		o.Retryer = retry.AddWithMaxAttempts(o.Retryer, maxAttempt)
	})
}

// A HostedZone is one as Route 53 describes it.
type HostedZone struct {
	ID      string // without /hostedzone/
	Name    string // canonical
	Private bool
}

// ARN of the zone, in the partition of a Region.
func (z HostedZone) ARN(region string) string {
	return "arn:" + partition(region) + ":route53:::hostedzone/" + z.ID
}

var (
	zoneID = regexp.MustCompile(`^Z[A-Z0-9]{1,31}$`)   // as Route 53 makes them
	anyID  = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`) // as its API takes them
)

// IsZoneID tells whether that may be a hosted zone's id, as its API takes them, without /hostedzone/ before it.
func IsZoneID(id string) bool { return anyID.MatchString(id) }

// FindZone finds a hosted zone by its id, with or without /hostedzone/ before it, or by its name. A name that several
// zones have, such as a public and a private one, is refused, with their ids.
func FindZone(ctx context.Context, api ZonesAPI, by, region string) (HostedZone, error) {
	if id, long := strings.CutPrefix(by, "/hostedzone/"); zoneID.MatchString(by) || long && IsZoneID(id) {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		out, err := api.GetHostedZone(ctx, &route53.GetHostedZoneInput{Id: &id})
		if err != nil {
			return HostedZone{}, fmt.Errorf("find hosted zone %s: %w", id, explain(err, "route53:GetHostedZone", HostedZone{ID: id}.ARN(region)))
		}
		return zoneOf(out.HostedZone)
	}
	name, err := Canonical(by)
	if err != nil {
		return HostedZone{}, fmt.Errorf("hosted zone: %w", err)
	}
	found, err := zonesNamed(ctx, api, name)
	switch {
	case err != nil:
		return HostedZone{}, fmt.Errorf("find hosted zone %s: %w", Shown(name), err)
	case len(found) == 0:
		return HostedZone{}, fmt.Errorf("there is no hosted zone %s in this account", Shown(name))
	case len(found) > 1:
		var ids []string
		for _, z := range found {
			ids = append(ids, fmt.Sprintf("%s (%s)", z.ID, map[bool]string{true: "private", false: "public"}[z.Private]))
		}
		return HostedZone{}, fmt.Errorf("there are %d hosted zones %s: choose one by its id, %s", len(found), Shown(name), strings.Join(ids, ", "))
	}
	return found[0], nil
}

// zonesNamed are all zones of that name. They are listed in the order of their names.
func zonesNamed(ctx context.Context, api ZonesAPI, name string) (found []HostedZone, err error) {
	in := &route53.ListHostedZonesByNameInput{DNSName: &name}
	for range maxPages {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		out, err := api.ListHostedZonesByName(ctx, in)
		cancel()
		if err != nil {
			return nil, explain(err, "route53:ListHostedZonesByName", "*")
		}
		for i := range out.HostedZones {
			zone, err := zoneOf(&out.HostedZones[i])
			if err != nil {
				return nil, err
			}
			if zone.Name != name {
				return found, nil
			}
			found = append(found, zone)
		}
		if !out.IsTruncated {
			return found, nil
		}
		in.DNSName, in.HostedZoneId = out.NextDNSName, out.NextHostedZoneId
	}
	return nil, errors.New("there are too many hosted zones of that name")
}

func zoneOf(z *types.HostedZone) (HostedZone, error) {
	if z == nil {
		return HostedZone{}, errors.New("the reply describes no hosted zone")
	}
	name, err := Canonical(aws.ToString(z.Name))
	id := strings.TrimPrefix(aws.ToString(z.Id), "/hostedzone/")
	if err != nil || !IsZoneID(id) {
		return HostedZone{}, fmt.Errorf("the reply describes a hosted zone %q with the id %q", aws.ToString(z.Name), id)
	}
	return HostedZone{ID: id, Name: name, Private: z.Config != nil && z.Config.PrivateZone}, nil
}

// A Name is one name in a hosted zone. It is a [Zone].
type Name struct {
	api  RecordsAPI
	zone HostedZone
	name string // canonical
	arn  string // the zone's
	part string // the partition
}

// NewName returns a canonical name of a zone, over api. The Region tells the partition.
func NewName(api RecordsAPI, zone HostedZone, name, region string) *Name {
	return &Name{api: api, zone: zone, name: name, arn: zone.ARN(region), part: partition(region)}
}

// Records lists every record set of the name.
func (n *Name) Records(ctx context.Context) (sets []Set, err error) {
	in := &route53.ListResourceRecordSetsInput{HostedZoneId: &n.zone.ID, StartRecordName: &n.name}
	for range maxPages {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		out, err := n.api.ListResourceRecordSets(ctx, in)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("list records of %s: %w", Shown(n.name), explain(err, "route53:ListResourceRecordSets", n.arn))
		}
		for _, s := range out.ResourceRecordSets {
			if name, err := Canonical(aws.ToString(s.Name)); err != nil || name != n.name {
				return sets, nil // they come in the order of their names
			}
			sets = append(sets, listedAs(s))
		}
		if !out.IsTruncated {
			return sets, nil
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier
	}
	return nil, fmt.Errorf("list records of %s: there are too many", Shown(n.name))
}

// listedAs leaves out what Route 53 does not say of a set and imitations of it do: an alias has no TTL and no values.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
func listedAs(s Set) Set {
	if s.AliasTarget != nil {
		s.TTL = nil
	}
	if len(s.ResourceRecords) == 0 {
		s.ResourceRecords = nil
	}
	return s
}

// Change makes one batch, and returns the id by which its way to the name servers is followed.
func (n *Name) Change(ctx context.Context, changes []types.Change, comment string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := n.api.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &n.zone.ID, ChangeBatch: &types.ChangeBatch{Changes: changes, Comment: &comment},
	})
	switch {
	case err != nil:
		return "", explain(err, "route53:ChangeResourceRecordSets", n.arn)
	case out.ChangeInfo == nil || aws.ToString(out.ChangeInfo.Id) == "":
		return "", errors.New("the reply has no id of the change")
	}
	return strings.TrimPrefix(*out.ChangeInfo.Id, "/change/"), nil
}

// Synced tells whether all name servers of the zone have a change.
func (n *Name) Synced(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := n.api.GetChange(ctx, &route53.GetChangeInput{Id: &id})
	if err != nil {
		return false, explain(err, "route53:GetChange", "arn:"+n.part+":route53:::change/*")
	}
	return out.ChangeInfo != nil && out.ChangeInfo.Status == types.ChangeStatusInsync, nil
}
