package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"mooring"
	"mooring/internal/sim"
	"mooring/internal/store"
	"mooring/internal/store/mototest"
)

const bucket, s3Key = "state", "alb.example.com/mooring/web/0123/443.json"

// client is the real SDK's configuration for an endpoint; it waits next to nothing between its tries.
func client(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
		BaseEndpoint:               &endpoint,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, // as the default configuration has it
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		},
	}
}

// startS3 serves a simulated S3 with an empty bucket, and returns it with the SDK's configuration for it.
func startS3(t *testing.T) (*sim.S3, aws.Config) {
	t.Helper()
	s := &sim.S3{}
	s.CreateBucket(bucket)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, client(server.URL)
}

func onSim(t *testing.T) place {
	s, cfg := startS3(t)
	return place{
		open:   func() mooring.Store { return store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key}) },
		put:    func(body []byte) { s.Put(bucket, s3Key, body) },
		remove: func() { s.Delete(bucket, s3Key) },
		body:   func() []byte { return s.Objects(bucket)[s3Key].Body },
	}
}

var motoKeys atomic.Int64 // each story has a key of its own on the one moto

func onMoto(t *testing.T) place {
	cfg := client(mototest.Endpoint(t))
	raw := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	key := fmt.Sprintf("mooring/web/%d/443.json", motoKeys.Add(1))
	in := aws.String(bucket)
	if _, err := raw.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: in, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(cfg.Region)},
	}); err != nil && !strings.Contains(err.Error(), "BucketAlreadyOwnedByYou") {
		t.Fatal(err)
	}
	return place{
		open: func() mooring.Store { return store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: key}) },
		put: func(body []byte) {
			if _, err := raw.PutObject(t.Context(), &s3.PutObjectInput{Bucket: in, Key: &key, Body: bytes.NewReader(body)}); err != nil {
				t.Fatal(err)
			}
		},
		remove: func() {
			if _, err := raw.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: in, Key: &key}); err != nil {
				t.Fatal(err)
			}
		},
		body:   func() []byte { return read(t, raw, key) },
		serial: true,
	}
}

// read returns an object's body, nil where there is none.
func read(t *testing.T, raw *s3.Client, key string) []byte {
	t.Helper()
	out, err := raw.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body)
	if err := errors.Join(err, out.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return body
}
