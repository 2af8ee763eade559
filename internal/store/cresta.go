package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mooring"
)

// itemAPI is the part of the DynamoDB client that is called. It needs dynamodb:GetItem on the one table.
type itemAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// connectDynamoDB makes a client that reads no reply beyond the limit. An item has at most 400 kB:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
func connectDynamoDB(cfg aws.Config) *dynamodb.Client {
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.HTTPClient = limited{o.HTTPClient} })
}

type limited struct{ next aws.HTTPClient }

func (l limited) Do(r *http.Request) (*http.Response, error) {
	reply, err := l.next.Do(r)
	if err == nil {
		reply.Body = http.MaxBytesReader(nil, reply.Body, maxLegacySize)
	}
	return reply, err
}

// cresta finds what cresta/hostname-for-target-group left: an item for each hostname, whose key is
// "<target group's ARN> <hostname>". An item does not tell when it was written.
type cresta struct {
	api       itemAPI
	table     string
	group     string
	hostnames []string
}

func newCresta(api itemAPI, c LegacyConfig) *cresta {
	return &cresta{api, c.Table, c.TargetGroup, c.Hostnames}
}

// Find reads the items of all hostnames at the same time, and joins them; of an address in several the lower count
// stands. What is passed over is as for the functions that kept their state on S3.
func (c *cresta) Find(ctx context.Context) (*mooring.Import, error) {
	found, errs := make([]leftItem, len(c.hostnames)), make([]error, len(c.hostnames))
	var all mooring.Tasks
	for i, hostname := range c.hostnames {
		all.Go(func() { found[i], errs[i] = c.get(ctx, hostname) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("in table %s: %w", c.table, err)
	}
	return c.join(found), nil
}

func crestaKey(group, hostname string) string { return group + " " + hostname }

// A leftItem is the item of one hostname, or why there is nothing in it.
type leftItem struct {
	item   map[string]types.AttributeValue
	denied bool
	bad    error
}

func (c *cresta) get(ctx context.Context, hostname string) (leftItem, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := c.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &c.table,
		Key:            map[string]types.AttributeValue{"Key": &types.AttributeValueMemberS{Value: crestaKey(c.group, hostname)}},
		ConsistentRead: aws.Bool(true),
	})
	switch {
	case err == nil:
		return leftItem{item: out.Item}, nil
	case isCode(err, "AccessDeniedException"):
		return leftItem{denied: true}, nil
	case isFinalItem(err):
		return leftItem{bad: err}, nil
	default:
		return leftItem{}, fmt.Errorf("%s: %w", hostname, err)
	}
}

// isFinalItem tells whether DynamoDB answered, and would answer the same again. It throttles with status 400:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func isFinalItem(err error) bool {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return true
	}
	passing := []string{
		"ExpiredTokenException", "ItemCollectionSizeLimitExceededException", "LimitExceededException",
		"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException",
	}
	return isFinal(err) && !slices.ContainsFunc(passing, func(code string) bool { return isCode(err, code) })
}

func (c *cresta) join(found []leftItem) *mooring.Import {
	var one *mooring.Import
	var notes notes
	missed := map[netip.Addr]int{}
	for i, f := range found {
		if f.bad == nil && f.item != nil {
			var item map[netip.Addr]int
			if item, f.bad = decodeCresta(f.item); f.bad == nil {
				one = &mooring.Import{Source: formatCresta}
			}
			for a, n := range item {
				lower(missed, a, n)
			}
		}
		if f.bad != nil {
			notes.add(fmt.Sprintf("the item of %.64s unreadable: %.200s", c.hostnames[i], f.bad))
		}
	}
	if !slices.ContainsFunc(found, func(f leftItem) bool { return !f.denied }) {
		notes.denied("dynamodb:GetItem", "its table "+c.table)
	}
	if one != nil {
		one.Addrs = slices.SortedFunc(maps.Keys(missed), netip.Addr.Compare)
		maps.DeleteFunc(missed, func(_ netip.Addr, n int) bool { return n == 0 })
		one.Missed = missed
	}
	return notes.on(one, time.Time{})
}

// decodeCresta reads the targets of an item, all of them the function's own, each with how many runs missed it.
func decodeCresta(item map[string]types.AttributeValue) (map[netip.Addr]int, error) {
	state, ok := item["State"].(*types.AttributeValueMemberM)
	if !ok {
		return nil, errors.New("no State")
	}
	if _, none := state.Value["Targets"].(*types.AttributeValueMemberNULL); none {
		return nil, nil // as an empty list is written
	}
	list, ok := state.Value["Targets"].(*types.AttributeValueMemberL)
	if !ok {
		return nil, errors.New("no Targets")
	}
	if len(list.Value) > maxLegacyAddrs {
		return nil, fmt.Errorf("%d addresses, over the limit of %d", len(list.Value), maxLegacyAddrs)
	}
	missed := make(map[netip.Addr]int, len(list.Value))
	for _, v := range list.Value {
		addr, n, err := decodeCrestaTarget(v)
		if err != nil {
			return nil, err
		}
		lower(missed, addr, n)
	}
	return missed, nil
}

func decodeCrestaTarget(v types.AttributeValue) (netip.Addr, int, error) {
	target, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return netip.Addr{}, 0, errors.New("a target is no map")
	}
	text, ok := target.Value["IP"].(*types.AttributeValueMemberS)
	if !ok {
		return netip.Addr{}, 0, errors.New("a target has no IP")
	}
	addr, err := parseAddr(text.Value)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	number, ok := target.Value["TimesMissing"].(*types.AttributeValueMemberN)
	if !ok {
		return addr, 0, nil // never missed
	}
	n, err := strconv.ParseInt(number.Value, 10, 64)
	if err != nil || n < 0 {
		return netip.Addr{}, 0, fmt.Errorf("%s missed %.32q times", addr, number.Value)
	}
	return addr, int(min(n, maxLegacyMiss)), nil
}
