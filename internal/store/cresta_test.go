package store_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"mooring/internal/sim"
	"mooring/internal/store"
	"mooring/internal/store/mototest"
)

const table = "hostname-targets"

func crestaConfig(hostnames ...string) store.LegacyConfig {
	return store.LegacyConfig{Format: "cresta", Table: table, TargetGroup: group, Hostnames: hostnames}
}

// crestaItem is a reply that holds one item with these targets.
func crestaItem(targets string) string {
	return `{"Item": ` + storedItem(fqdn, targets) + `}`
}

func storedItem(hostname, targets string) string {
	return fmt.Sprintf(`{"Key": {"S": "%s %s"}, "TgARN": {"S": %q}, "Hostname": {"S": %q},
		"State": {"M": {"Targets": {"L": [%s]}, "Version": {"N": "1"}}}}`, group, hostname, group, hostname, targets)
}

func target(addr, missing string) string {
	return fmt.Sprintf(`{"M": {"IP": {"S": %q}, "TimesMissing": {"N": %q}}}`, addr, missing)
}

// startDynamoDB serves a simulated AWS with an empty table, and returns it with the SDK's configuration for it.
func startDynamoDB(t *testing.T) (*sim.AWS, *sim.DynamoDB, aws.Config) {
	t.Helper()
	db := &sim.DynamoDB{}
	db.CreateTable(table)
	world := &sim.AWS{DynamoDB: db}
	server := httptest.NewServer(world)
	t.Cleanup(server.Close)
	return world, db, client(server.URL)
}

func putItem(t *testing.T, db *sim.DynamoDB, item string) {
	t.Helper()
	if err := db.PutItem(table, []byte(item)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCrestaLeftForSeveralHostnamesIsJoined(t *testing.T) {
	_, db, cfg := startDynamoDB(t)
	putItem(t, db, storedItem("a.example.com", target("10.0.1.5", "0")+","+target("10.0.1.6", "2")+","+target("10.0.1.7", "4")))
	putItem(t, db, storedItem("b.example.com", target("10.0.1.6", "1")+","+target("10.0.1.7", "0")+","+`{"M": {"IP": {"S": "10.0.1.8"}}}`))
	legacy, err := store.ConnectLegacy(cfg, crestaConfig("a.example.com", "b.example.com", "none.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	got := imported(t, store.Importing(&store.Memory{}, legacy))
	if got.Source != "cresta" || !slices.Equal(got.Addrs, addrs("10.0.1.5 10.0.1.6 10.0.1.7 10.0.1.8")) || missed(got) != "10.0.1.6:1" {
		t.Errorf("imported %+v", got)
	}
	if !got.At.IsZero() || !got.Written.IsZero() {
		t.Errorf("of %s, written %s, though an item has no time", got.At, got.Written)
	}
}

func TestWhereCrestaLeftNothingNothingIsTakenOver(t *testing.T) {
	_, db, cfg := startDynamoDB(t)
	legacy, err := store.ConnectLegacy(cfg, crestaConfig(fqdn))
	if err != nil {
		t.Fatal(err)
	}
	if found, err := legacy.Find(t.Context()); found != nil || err != nil {
		t.Errorf("found %+v, error %v", found, err)
	}
	putItem(t, db, strings.Replace(storedItem(fqdn, ""), `{"L": []}`, `{"NULL": true}`, 1)) // an empty list
	if found, err := legacy.Find(t.Context()); found == nil || err != nil || len(found.Addrs)+len(found.Missed) > 0 || found.Source != "cresta" {
		t.Errorf("found %+v, error %v", found, err)
	}
}

func TestACrestaItemThatIsUnreadableIsPassedOverAndSaid(t *testing.T) {
	many := strings.Repeat(target("10.0.1.5", "0")+",", 500) + target("10.0.1.5", "0")
	for what, item := range map[string]string{
		"no address": storedItem(fqdn, target("web", "0")), "a zone": storedItem(fqdn, target("fe80::1%1", "0")),
		"below zero": storedItem(fqdn, target("10.0.1.5", "-1")), "a share": storedItem(fqdn, target("10.0.1.5", "1.5")),
		"no IP": storedItem(fqdn, `{"M": {}}`), "a text": storedItem(fqdn, `{"S": "10.0.1.5"}`), "too many": storedItem(fqdn, many),
		"no targets": fmt.Sprintf(`{"Key": {"S": "%s %s"}, "State": {"M": {}}}`, group, fqdn),
		"no state":   fmt.Sprintf(`{"Key": {"S": "%s %s"}}`, group, fqdn),
		"too large":  storedItem(fqdn, target("10.0.1.5"+strings.Repeat(" ", 1<<20), "0")),
	} {
		t.Run(what, func(t *testing.T) {
			_, db, cfg := startDynamoDB(t)
			putItem(t, db, item)
			putItem(t, db, storedItem("b.example.com", target("10.0.1.6", "1")))
			legacy, err := store.ConnectLegacy(cfg, crestaConfig(fqdn, "b.example.com"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := legacy.Find(t.Context())
			if err != nil || !slices.Equal(got.Addrs, addrs("10.0.1.6")) || !strings.HasPrefix(got.Source, "cresta (the item of db.example.com unreadable: ") || len(got.Source) > 300 {
				t.Errorf("found %+v, error %v", got, err)
			}
		})
	}
}

func TestWhatDynamoDBRefusesForEverStopsNobodyAndWhatPassesIsAnError(t *testing.T) {
	for what, c := range map[string]struct {
		fault sim.AWSFault
		want  string // "": an error
	}{
		"denied":      {sim.AWSFault{Denied: true}, "so it is not taken over, and nobody leaves who was only in it; if there was one, grant dynamodb:GetItem on its table " + table},
		"no table":    {sim.AWSFault{Status: http.StatusBadRequest, Code: "ResourceNotFoundException", Message: "no"}, "unreadable: "},
		"an outage":   {sim.AWSFault{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: "later"}, ""},
		"too often":   {sim.AWSFault{Status: http.StatusBadRequest, Code: "ProvisionedThroughputExceededException", Message: "later"}, ""},
		"throttled":   {sim.AWSFault{Throttled: true}, ""},
		"credentials": {sim.AWSFault{Status: http.StatusBadRequest, Code: "ExpiredTokenException", Message: "old"}, ""},
	} {
		t.Run(what, func(t *testing.T) {
			world, _, cfg := startDynamoDB(t)
			world.Inject(c.fault)
			legacy, err := store.ConnectLegacy(cfg, crestaConfig(fqdn))
			if err != nil {
				t.Fatal(err)
			}
			m, tag, err := store.Importing(&store.Memory{}, legacy).Load(t.Context())
			if (err != nil) != (c.want == "") || tag != "" {
				t.Fatalf("tag %q, error %v", tag, err)
			}
			if err == nil && (len(m.Import.Addrs) > 0 || !strings.Contains(m.Import.Source, c.want)) {
				t.Errorf("imported %+v", m.Import)
			}
		})
	}
}

func TestMotoHandsOverWhatCrestaLeft(t *testing.T) {
	cfg := client(mototest.Endpoint(t))
	raw := dynamodb.NewFromConfig(cfg)
	_, err := raw.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("Key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("Key"), KeyType: types.KeyTypeHash}},
	})
	if _, again := errors.AsType[*types.ResourceInUseException](err); err != nil && !again {
		t.Fatal(err)
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	number := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	if _, err := raw.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: map[string]types.AttributeValue{
		"Key": text(group + " " + fqdn), "TgARN": text(group), "Hostname": text(fqdn),
		"State": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"Version": number("1"),
			"Targets": &types.AttributeValueMemberL{Value: []types.AttributeValue{
				&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"IP": text("10.0.1.5"), "TimesMissing": number("2")}},
			}},
		}},
	}}); err != nil {
		t.Fatal(err)
	}
	legacy, err := store.ConnectLegacy(cfg, crestaConfig(fqdn))
	if err != nil {
		t.Fatal(err)
	}
	got, err := legacy.Find(t.Context())
	if err != nil || !slices.Equal(got.Addrs, addrs("10.0.1.5")) || missed(*got) != "10.0.1.5:2" || got.At != (time.Time{}) {
		t.Errorf("found %+v, error %v", got, err)
	}
	c := crestaConfig(fqdn)
	c.Table = "typo"
	if legacy, err = store.ConnectLegacy(cfg, c); err != nil {
		t.Fatal(err)
	}
	if got, err := legacy.Find(t.Context()); err != nil || !strings.Contains(got.Source, "unreadable") {
		t.Errorf("found %+v, error %v", got, err)
	}
}
