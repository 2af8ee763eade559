package sim_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"mooring/internal/sim"
)

// serveDynamoDB serves a DynamoDB as the world does, with the real SDK's client for it, which tries once.
func serveDynamoDB(t *testing.T) (*sim.AWS, *sim.DynamoDB, *dynamodb.Client) {
	t.Helper()
	db := &sim.DynamoDB{}
	world := &sim.AWS{DynamoDB: db}
	server := httptest.NewServer(world)
	t.Cleanup(server.Close)
	return world, db, dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, HTTPClient: server.Client(), Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

func getItem(table string, key map[string]types.AttributeValue) *dynamodb.GetItemInput {
	return &dynamodb.GetItemInput{TableName: &table, Key: key}
}

func keyed(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"Key": &types.AttributeValueMemberS{Value: key}}
}

func TestDynamoDBReturnsAnItemAsItWasPut(t *testing.T) {
	world, db, api := serveDynamoDB(t)
	if err := db.PutItem("t", []byte(`{"Key": {"S": "a"}, "N": {"N": "7"}, "L": {"L": [{"S": "x"}]}}`)); err != nil {
		t.Fatal(err)
	}
	out, err := api.GetItem(t.Context(), getItem("t", keyed("a")))
	if err != nil {
		t.Fatal(err)
	}
	n, _ := out.Item["N"].(*types.AttributeValueMemberN)
	l, _ := out.Item["L"].(*types.AttributeValueMemberL)
	if len(out.Item) != 3 || n == nil || n.Value != "7" || l == nil || len(l.Value) != 1 {
		t.Errorf("got %+v", out.Item)
	}
	if out, err := api.GetItem(t.Context(), getItem("t", keyed("b"))); err != nil || out.Item != nil {
		t.Errorf("got %+v, error %v, and there is none", out, err)
	}
	if calls := world.Calls(); len(calls) != 2 || calls[0].Service != "dynamodb" || calls[0].Action != "GetItem" || calls[0].Status != http.StatusOK {
		t.Errorf("called %+v", calls)
	}
	for _, item := range []string{`{}`, `no`, `{"Key": {"N": "1"}}`} {
		if db.PutItem("t", []byte(item)) == nil {
			t.Errorf("%s was put", item)
		}
	}
}

func TestDynamoDBRefusesAsAWSDoes(t *testing.T) {
	world, db, api := serveDynamoDB(t)
	db.CreateTable("t")
	get := func(table string, key map[string]types.AttributeValue) func() error {
		return func() error { _, err := api.GetItem(t.Context(), getItem(table, key)); return err }
	}
	twoKeys := keyed("a")
	twoKeys["Range"] = &types.AttributeValueMemberS{Value: "b"}
	for what, c := range map[string]struct {
		call func() error
		code string
	}{
		"no such table": {get("u", keyed("a")), "ResourceNotFoundException"},
		"an empty key":  {get("t", keyed("")), "ValidationException"},
		"two keys":      {get("t", twoKeys), "ValidationException"},
		"a number":      {get("t", map[string]types.AttributeValue{"Key": &types.AttributeValueMemberN{Value: "1"}}), "ValidationException"},
		"another action": {func() error {
			_, err := api.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("t")})
			return err
		}, "UnknownOperationException"},
	} {
		wantItemCode(t, what, c.call(), c.code)
	}
	db.Fail(&sim.APIError{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: "sorry"})
	wantItemCode(t, "an outage", get("t", keyed("a"))(), "InternalServerError")
	db.Fail(nil)
	world.Inject(sim.AWSFault{Action: "GetItem", Denied: true, Times: 1})
	wantItemCode(t, "denied", get("t", keyed("a"))(), "AccessDeniedException")
	world.Inject(sim.AWSFault{Throttled: true, Times: 1})
	wantItemCode(t, "throttled", get("t", keyed("a"))(), "ThrottlingException")
	if err := get("t", keyed("a"))(); err != nil {
		t.Error(err)
	}
}

func wantItemCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}
