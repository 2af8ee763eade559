package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"mooring"
)

// callTime is how long one call may take, with all its retries.
const callTime = 5 * time.Second

// S3API is the part of the S3 client that a store calls. It needs s3:GetObject and s3:PutObject, and nothing else.
type S3API interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// S3Config says where on S3 a memory is, and how it is kept there.
type S3Config struct {
	Bucket    string
	Key       string         // as [Key] makes it
	SSE       string         // none, AES256, or aws:kms[:KEY]; none and "": as the bucket does by default
	Owner     string         // the account that must own the bucket; "": not checked
	Partition string         // of the ARNs in what is said of a denied call; "": aws
	Legacy    []LegacyObject // where an older function may have left something, see [LegacyKeys]
}

// S3 keeps the stored form in one object, by conditional writes:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
type S3 struct {
	api S3API
	c   S3Config
}

var _ mooring.Store = (*S3)(nil)

// NewS3 keeps a memory by api.
func NewS3(api S3API, c S3Config) *S3 { return &S3{api: api, c: c} }

// ConnectS3 keeps a memory by a client of its own. An endpoint that is not AWS's own is addressed by path,
// for it has no name for each bucket.
func ConnectS3(cfg aws.Config, c S3Config) *S3 {
	if c.Partition == "" {
		c.Partition = partition(cfg.Region)
	}
	return NewS3(s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		// An older function's object has no checksum, and the SDK would say so between the lines of JSON in the log.
		o.DisableLogOutputChecksumValidationSkipped = true
	}), c)
}

// partition is the partition of a Region: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// Load implements [mooring.Store].
//
// Without s3:ListBucket a missing object is a denied one. So both are a first run here: the save that follows
// creates the object only where there is none, which tells them apart.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *S3) Load(ctx context.Context) (mooring.Memory, string, error) {
	got, err := s.get(ctx, s.c.Key, mooring.MaxMemorySize)
	switch {
	case isCode(err, "NoSuchKey") || isCode(err, "AccessDenied"):
		found, err := s.importOld(ctx)
		if err != nil {
			return mooring.Memory{}, "", fmt.Errorf("read what an older function left in %s: %w", s.c.Bucket, err)
		}
		return mooring.Memory{Import: found}, "", nil
	case err != nil:
		return mooring.Memory{}, "", fmt.Errorf("read memory %s: %w", s.url(), err)
	}
	m, err := mooring.DecodeMemory(got.body)
	if err != nil {
		return mooring.Memory{}, "", fmt.Errorf("read memory %s: %w", s.url(), err)
	}
	return m, got.etag, nil
}

// Save implements [mooring.Store].
func (s *S3) Save(ctx context.Context, m mooring.Memory, tag string) (string, error) {
	body, err := m.Encode()
	if err != nil {
		return "", err
	}
	in, err := s.putInput(tag)
	if err != nil {
		return "", err
	}
	etag, err := s.put(ctx, in, body)
	if isCode(err, "ConditionalRequestConflict") {
		etag, err = s.put(ctx, in, body) // somebody else's call was in the way; it is over, or wins
	}
	switch {
	case err == nil:
		return etag, nil
	case isCode(err, "PreconditionFailed"):
		etag, err = s.confirm(ctx, in.Metadata[writerKey])
	case isCode(err, "ConditionalRequestConflict"):
		err = fmt.Errorf("%w: %w", mooring.ErrConflict, err)
	case isCode(err, "NoSuchKey"):
		err = fmt.Errorf("%w: the object was deleted meanwhile: %w", mooring.ErrConflict, err)
	case isCode(err, "AccessDenied"):
		err = newDenied("s3:PutObject", s.arn(), err)
	}
	if err != nil {
		return "", fmt.Errorf("save memory %s: %w", s.url(), err)
	}
	return etag, nil
}

// confirm looks who won a lost race. It may have been ourselves: where the reply to a write is lost, the client
// repeats it, and the repetition finds the object changed, by the first. The writer's mark tells, and not the body,
// for two runs of the same instant may write the same.
func (s *S3) confirm(ctx context.Context, writer string) (etag string, err error) {
	got, err := s.get(ctx, s.c.Key, mooring.MaxMemorySize)
	switch {
	case isCode(err, "AccessDenied"):
		return "", newDenied("s3:GetObject", s.arn(), err) // so there is an object, and it cannot be read
	case err != nil && !isCode(err, "NoSuchKey"):
		return "", fmt.Errorf("somebody saved: %w", err)
	case err == nil && got.writer == writer:
		return got.etag, nil
	}
	return "", mooring.ErrConflict
}

// writerKey is the object's metadata that marks who wrote it: one random text for each save.
const writerKey = "mooring-writer"

func (s *S3) putInput(tag string) (*s3.PutObjectInput, error) {
	in := &s3.PutObjectInput{
		Bucket: &s.c.Bucket, Key: &s.c.Key, ExpectedBucketOwner: s.owner(),
		ContentType: aws.String("application/json"), Metadata: map[string]string{writerKey: rand.Text()},
	}
	if tag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &tag
	}
	switch sse := s.c.SSE; {
	case sse == "" || sse == "none":
	case sse == "AES256":
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	case sse == "aws:kms" || strings.HasPrefix(sse, "aws:kms:"):
		in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
		if key := strings.TrimPrefix(strings.TrimPrefix(sse, "aws:kms"), ":"); key != "" {
			in.SSEKMSKeyId = &key
		}
	default:
		return nil, fmt.Errorf("save memory %s: encryption %q: want none, AES256 or aws:kms[:KEY]", s.url(), sse)
	}
	return in, nil
}

func (s *S3) put(ctx context.Context, in *s3.PutObjectInput, body []byte) (etag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	again := *in
	again.Body = strings.NewReader(string(body))
	out, err := s.api.PutObject(ctx, &again)
	if err != nil {
		return "", err
	}
	if aws.ToString(out.ETag) == "" {
		return "", errors.New("the reply has no ETag, so the next write could not be conditional")
	}
	return *out.ETag, nil
}

// An object is what was read of one.
type object struct {
	body     []byte
	etag     string
	writer   string
	modified time.Time
}

// get reads an object, and of one that is larger than limit the first limit+1 bytes.
func (s *S3) get(ctx context.Context, key string, limit int64) (object, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.c.Bucket, Key: &key, ExpectedBucketOwner: s.owner()})
	if isCode(err, "NoSuchBucket") {
		return object{}, fmt.Errorf("there is no bucket %q: %w", s.c.Bucket, err)
	}
	if err != nil {
		return object{}, err
	}
	defer func() { _ = out.Body.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(out.Body, limit+1))
	if err != nil {
		return object{}, err
	}
	if aws.ToString(out.ETag) == "" {
		return object{}, errors.New("the reply has no ETag, so no write could be conditional")
	}
	return object{
		body: body, etag: *out.ETag, writer: out.Metadata[writerKey], modified: aws.ToTime(out.LastModified).UTC(),
	}, nil
}

func (s *S3) owner() *string {
	if s.c.Owner == "" {
		return nil
	}
	return &s.c.Owner
}

func (s *S3) url() string { return "s3://" + s.c.Bucket + "/" + s.c.Key }

func (s *S3) arn() string {
	part := s.c.Partition
	if part == "" {
		part = "aws"
	}
	return "arn:" + part + ":s3:::" + s.c.Bucket + "/" + s.c.Key
}

// isCode tells whether AWS answered with this error code. The codes of conditional writes have no types in the SDK.
// A status alone says too little: 403 is also a wrong clock or wrong credentials, and 404 a wrong endpoint.
func isCode(err error, code string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == code
}

// isFinal tells whether AWS answered, and would answer the same again.
func isFinal(err error) bool {
	reply, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok {
		return false
	}
	status := reply.HTTPStatusCode()
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}
