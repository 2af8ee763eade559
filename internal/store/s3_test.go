package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"mooring"
	"mooring/internal/sim"
	"mooring/internal/store"
)

// opened is an S3 store on a simulated S3 that already holds revision 1.
func opened(t *testing.T) (*sim.S3, *store.S3, string) {
	t.Helper()
	world, cfg := startS3(t)
	s := store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key})
	return world, s, save(t, s, memory(1), "")
}

func revision(t *testing.T, s *sim.S3) uint64 {
	t.Helper()
	m, err := mooring.DecodeMemory(s.Objects(bucket)[s3Key].Body)
	if err != nil {
		t.Fatal(err)
	}
	return m.Revision
}

func wantDenied(t *testing.T, err error, statement string) {
	t.Helper()
	var denied *mooring.Denied
	if !errors.Is(err, mooring.ErrDenied) || !errors.As(err, &denied) {
		t.Fatalf("not said to be denied: %v", err)
	}
	if got := denied.Statement(); got != statement {
		t.Errorf("the missing statement is %s, want %s", got, statement)
	}
}

func TestASaveWhoseReplyIsLostIsOurs(t *testing.T) {
	world, s, tag := opened(t)
	world.Inject(http.MethodPut, s3Key, 1, sim.S3Fault{LoseReply: true})
	tag = save(t, s, memory(2), tag)
	if got := revision(t, world); got != 2 {
		t.Errorf("revision %d", got)
	}
	save(t, s, memory(3), tag)
}

func TestAFirstSaveWhoseReplyIsLostIsOurs(t *testing.T) {
	world, cfg := startS3(t)
	s := store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key})
	world.Inject(http.MethodPut, s3Key, 1, sim.S3Fault{LoseReply: true})
	save(t, s, memory(2), save(t, s, memory(1), ""))
}

func TestASaveThatSlowsDownIsTriedAgain(t *testing.T) {
	world, s, tag := opened(t)
	world.Inject("", s3Key, 2, sim.S3SlowDown)
	save(t, s, memory(2), tag)
	world.Inject("", s3Key, -1, sim.S3SlowDown)
	if _, err := s.Save(t.Context(), memory(3), tag); err == nil || errors.Is(err, mooring.ErrConflict) || errors.Is(err, mooring.ErrDenied) {
		t.Errorf("an outage became %v", err)
	}
	if m, tag, err := s.Load(t.Context()); err == nil {
		t.Errorf("an outage became revision %d with tag %q", m.Revision, tag)
	}
}

func TestAConflictingOperationIsWaitedOutOnce(t *testing.T) {
	world, s, tag := opened(t)
	world.Inject(http.MethodPut, s3Key, 1, sim.S3Busy)
	tag = save(t, s, memory(2), tag)
	world.Inject(http.MethodPut, s3Key, 2, sim.S3Busy)
	wantConflict(t, s, memory(3), tag)
	if got := revision(t, world); got != 2 {
		t.Errorf("revision %d", got)
	}
}

func TestWithoutListBucketTheFirstSaveProvesThatThereWasNothing(t *testing.T) {
	world, cfg := startS3(t)
	world.HideMissing = true
	s := importing(t, cfg, v1)
	m, tag := load(t, s)
	if tag != "" || m.Unusable != "" {
		t.Errorf("loaded %+v with tag %q", m, tag)
	}
	save(t, s, memory(2), save(t, s, memory(1), tag))
}

func TestAMemoryThatMayNotBeReadIsNotOverwritten(t *testing.T) {
	world, s, _ := opened(t)
	world.Inject(http.MethodGet, s3Key, -1, sim.S3Denied)
	_, tag := load(t, s)
	_, err := s.Save(t.Context(), memory(9), tag)
	wantDenied(t, err, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::state/`+s3Key+`"}`)
	if got := revision(t, world); got != 1 {
		t.Errorf("overwritten by revision %d", got)
	}
}

// A pause is in it, and who gave the binding up may well take the permissions away.
func TestAMemoryThatWasReadAndIsDeniedNowIsNoFirstRun(t *testing.T) {
	world, s, _ := opened(t)
	if _, tag := load(t, s); tag == "" {
		t.Fatal("it was not read")
	}
	world.Inject(http.MethodGet, s3Key, -1, sim.S3Denied)
	_, _, err := s.Load(t.Context())
	wantDenied(t, err, `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::`+bucket+`/`+s3Key+`"}`)
}

func TestAMemoryThatMayNotBeWrittenSaysWhatIsMissing(t *testing.T) {
	for region, partition := range map[string]string{"eu-central-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"} {
		world, cfg := startS3(t)
		cfg.Region = region
		s := store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key})
		world.Inject(http.MethodPut, s3Key, -1, sim.S3Denied)
		_, err := s.Save(t.Context(), memory(1), "")
		wantDenied(t, err, `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:`+partition+`:s3:::state/`+s3Key+`"}`)
	}
}

func TestALostRaceWhoseWinnerCannotBeSeenIsAnError(t *testing.T) {
	world, s, tag := opened(t)
	save(t, s, memory(2), tag)
	world.Inject(http.MethodGet, s3Key, -1, sim.S3SlowDown)
	if _, err := s.Save(t.Context(), memory(3), tag); err == nil || errors.Is(err, mooring.ErrConflict) || errors.Is(err, mooring.ErrDenied) {
		t.Errorf("said %v", err)
	}
}

// owned notes which account's bucket each call is meant for.
type owned struct{ owners []string }

func (o *owned) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	o.owners = append(o.owners, aws.ToString(in.ExpectedBucketOwner))
	return nil, &types.NoSuchKey{}
}

func (o *owned) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	o.owners = append(o.owners, aws.ToString(in.ExpectedBucketOwner))
	return &s3.PutObjectOutput{ETag: aws.String(`"1"`)}, nil
}

func TestABucketOfAnotherAccountIsNeitherReadNorWritten(t *testing.T) {
	const owner = "123456789012"
	api, c := &owned{}, store.S3Config{Bucket: bucket, Key: s3Key, Owner: owner}
	old := store.NewLegacy(api, store.LegacyConfig{Format: "v3", Bucket: bucket, Owner: owner, Name: alb, TargetGroup: group})
	s := store.Importing(store.NewS3(api, c), old)
	_, tag := load(t, s)
	save(t, s, memory(1), tag)
	lease := store.NewS3Lease(api, c, "a", time.Minute)
	if _, err := lease.Hold(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := slices.Repeat([]string{owner}, 6) // memory, old object, save; lease read, taken, released
	if !slices.Equal(api.owners, want) {
		t.Errorf("asked for buckets of %q", api.owners)
	}
}

func TestAKeyThatMayNotBeUsedIsNamed(t *testing.T) {
	world, s, tag := opened(t)
	const key = "arn:aws:kms:eu-central-1:123456789012:key/0123-45"
	world.Inject(http.MethodPut, s3Key, -1, sim.S3Fault{Error: &sim.APIError{
		Status: http.StatusForbidden, Code: "AccessDenied",
		Message: "User: arn:aws:iam::123456789012:user/x is not authorized to perform: kms:GenerateDataKey on resource: " + key + " because ...",
	}})
	_, err := s.Save(t.Context(), memory(2), tag)
	wantDenied(t, err, `{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"`+key+`"}`)
	world.Heal()
	world.Inject(http.MethodPut, s3Key, -1, sim.S3Fault{Error: &sim.APIError{
		Status: http.StatusForbidden, Code: "AccessDenied",
		Message: "User: x is not authorized to perform: kms:GenerateDataKey on this resource because ...",
	}})
	_, err = s.Save(t.Context(), memory(2), tag)
	wantDenied(t, err, `{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"*"}`)
}

func TestWhatOnlyLooksLikeAMissingObjectIsNoFirstRun(t *testing.T) {
	for code, status := range map[string]int{
		"InvalidAccessKeyId": http.StatusForbidden, "SignatureDoesNotMatch": http.StatusForbidden,
		"RequestTimeTooSkewed": http.StatusForbidden, "NoSuchBucket": http.StatusNotFound, "NotFound": http.StatusNotFound,
		"PermanentRedirect": http.StatusMovedPermanently,
	} {
		t.Run(code, func(t *testing.T) {
			world, cfg := startS3(t)
			world.Inject("", "", -1, sim.S3Fault{Error: &sim.APIError{Status: status, Code: code, Message: "no"}})
			s := store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key})
			if m, tag, err := s.Load(t.Context()); err == nil {
				t.Errorf("loaded %+v with tag %q", m, tag)
			}
			if _, err := s.Save(t.Context(), memory(1), ""); err == nil || errors.Is(err, mooring.ErrConflict) || errors.Is(err, mooring.ErrDenied) {
				t.Errorf("saving said %v", err)
			}
		})
	}
}

func TestABucketThatIsNotThereIsSaid(t *testing.T) {
	_, cfg := startS3(t)
	s := store.ConnectS3(cfg, store.S3Config{Bucket: "typo", Key: s3Key})
	if _, _, err := s.Load(t.Context()); err == nil || !strings.Contains(err.Error(), `there is no bucket "typo"`) {
		t.Errorf("said %v", err)
	}
}

func TestAMemoryIsEncryptedAsAskedFor(t *testing.T) {
	world, cfg := startS3(t)
	for sse, want := range map[string][2]string{
		"": {}, "none": {}, "AES256": {"AES256"}, "aws:kms": {"aws:kms"},
		"aws:kms:arn:aws:kms:eu-central-1:1:key/2": {"aws:kms", "arn:aws:kms:eu-central-1:1:key/2"},
	} {
		world.Delete(bucket, s3Key)
		save(t, store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key, SSE: sse}), memory(1), "")
		if o := world.Objects(bucket)[s3Key]; o.SSE != want[0] || o.KMSKey != want[1] {
			t.Errorf("%q: encrypted by %q with %q", sse, o.SSE, o.KMSKey)
		}
	}
	if _, err := store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: s3Key, SSE: "rot13"}).Save(t.Context(), memory(1), ""); err == nil {
		t.Error("saved with an encryption that is none")
	}
}

// A strange S3 answers as no S3 should.
type strange struct {
	store.S3API
	get *s3.GetObjectOutput
	put *s3.PutObjectOutput
}

func (s strange) GetObject(ctx context.Context, _ *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if s.get == nil {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return s.get, nil
}

func (s strange) PutObject(ctx context.Context, _ *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if s.put == nil {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return s.put, nil
}

func TestASilentS3IsGivenUpAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewS3(strange{}, store.S3Config{Bucket: bucket, Key: s3Key})
		for what, call := range map[string]func() error{
			"load": func() error { _, _, err := s.Load(t.Context()); return err },
			"save": func() error { _, err := s.Save(t.Context(), memory(1), ""); return err },
		} {
			began := time.Now()
			if err := call(); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
				t.Errorf("%s: %v after %s", what, err, time.Since(began))
			}
		}
	})
}

func TestWithoutAnETagNothingCouldBeConditional(t *testing.T) {
	body := io.NopCloser(bytes.NewReader(encode(t, memory(1))))
	s := store.NewS3(strange{get: &s3.GetObjectOutput{Body: body}, put: &s3.PutObjectOutput{}}, store.S3Config{Bucket: bucket, Key: s3Key})
	if m, tag, err := s.Load(t.Context()); err == nil {
		t.Errorf("loaded revision %d with tag %q", m.Revision, tag)
	}
	if tag, err := s.Save(t.Context(), memory(1), ""); err == nil {
		t.Errorf("saved, with tag %q", tag)
	}
}

// endless is a body that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }
func (e *endless) Close() error               { return nil }

func TestAnEndlessMemoryIsReadToTheLimitOnly(t *testing.T) {
	body := &endless{}
	s := store.NewS3(strange{get: &s3.GetObjectOutput{Body: body, ETag: aws.String(`"1"`)}}, store.S3Config{Bucket: bucket, Key: s3Key})
	if _, _, err := s.Load(t.Context()); !errors.Is(err, mooring.ErrMemory) || body.read > 2*mooring.MaxMemorySize {
		t.Errorf("read %d bytes, error %v", body.read, err)
	}
}

// asked notes the host of each request, and answers none.
type asked struct{ hosts []string }

func (a *asked) Do(r *http.Request) (*http.Response, error) {
	a.hosts = append(a.hosts, r.URL.Host+r.URL.Path)
	return nil, errors.New("not answered")
}

func TestOnlyEndpointsThatAreNotAWSsAreAddressedByPath(t *testing.T) {
	for _, v := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", ""} {
		t.Run(v, func(t *testing.T) {
			t.Setenv("AWS_CA_BUNDLE", "") // it wants a client that it can change
			want := bucket + ".s3.eu-central-1.amazonaws.com/key"
			if v != "" {
				t.Setenv(v, "http://s3.example.com:4566")
				want = "s3.example.com:4566/" + bucket + "/key"
			}
			http := &asked{}
			own := client("")
			cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(own.Region), config.WithRetryer(own.Retryer),
				config.WithCredentialsProvider(own.Credentials), config.WithHTTPClient(http), config.WithSharedConfigFiles(nil),
				config.WithSharedCredentialsFiles(nil))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := store.ConnectS3(cfg, store.S3Config{Bucket: bucket, Key: "key"}).Load(t.Context()); err == nil {
				t.Error("loaded from nowhere")
			}
			if len(http.hosts) == 0 || http.hosts[0] != want {
				t.Errorf("asked %q, want %q", http.hosts, want)
			}
		})
	}
}
