package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"mooring"
)

// S3Config says where on S3 a memory or a lease is, and how it is kept there.
type S3Config struct {
	Bucket    string
	Key       string // as [Key] or [LeaseKey] makes it
	SSE       string // none, AES256, or aws:kms[:KEY]; none and "": as the bucket does by default
	Owner     string // the account that must own the bucket; "": not checked
	Partition string // of the ARNs in what is said of a denied call; "": aws
}

// S3 keeps the stored form in one object, by conditional writes:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
type S3 struct {
	objects objects
	c       S3Config
	read    atomic.Bool // the memory was there, and could be read
}

var _ mooring.Store = (*S3)(nil)

// NewS3 keeps a memory by api.
func NewS3(api S3API, c S3Config) *S3 { return &S3{objects: objects{api, c.Bucket, c.Owner}, c: c} }

// ConnectS3 keeps a memory by a client of its own, as [ConnectS3API] makes it.
func ConnectS3(cfg aws.Config, c S3Config) *S3 {
	if c.Partition == "" {
		c.Partition = Partition(cfg.Region)
	}
	return NewS3(ConnectS3API(cfg), c)
}

// ConnectS3API makes a client for a memory, a lease, or what an older function left. An endpoint that is not
// AWS's own is addressed by path, for it has no name for each bucket.
func ConnectS3API(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		// An older function's object has no checksum, and the SDK would say so between the lines of JSON in the log.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// Partition is the partition of a Region: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func Partition(region string) string {
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
// creates the object only where there is none, which tells them apart. One that was read before is there, and denied.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (s *S3) Load(ctx context.Context) (mooring.Memory, string, error) {
	got, err := s.objects.get(ctx, s.c.Key, mooring.MaxMemorySize)
	switch {
	case isCode(err, "AccessDenied") && s.read.Load(): // it was there, and may be read no more
		return mooring.Memory{}, "", fmt.Errorf("read memory %s, which was read before (or it was deleted since, and s3:ListBucket is missing: start anew then): %w",
			s.c.url(), newDenied("s3:GetObject", s.c.arn(), err))
	case isCode(err, "NoSuchKey") || isCode(err, "AccessDenied"):
		return mooring.Memory{}, "", nil
	case err != nil:
		return mooring.Memory{}, "", fmt.Errorf("read memory %s: %w", s.c.url(), err)
	}
	m, err := mooring.DecodeMemory(got.body)
	if err != nil {
		return mooring.Memory{}, "", fmt.Errorf("read memory %s: %w", s.c.url(), err)
	}
	s.read.Store(true)
	return m, got.etag, nil
}

// Save implements [mooring.Store].
func (s *S3) Save(ctx context.Context, m mooring.Memory, tag string) (string, error) {
	body, err := m.Encode()
	if err != nil {
		return "", err
	}
	in, err := s.c.putInput(tag, rand.Text())
	if err != nil {
		return "", fmt.Errorf("save memory %s: %w", s.c.url(), err)
	}
	etag, err := s.objects.put(ctx, in, body)
	if isCode(err, "ConditionalRequestConflict") {
		etag, err = s.objects.put(ctx, in, body) // somebody else's call was in the way; it is over, or wins
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
		err = newDenied("s3:PutObject", s.c.arn(), err)
	}
	if err != nil {
		return "", fmt.Errorf("save memory %s: %w", s.c.url(), err)
	}
	return etag, nil
}

// confirm looks who won a lost race. It may have been ourselves: where the reply to a write is lost, the client
// repeats it, and the repetition finds the object changed, by the first. The writer's mark tells, and not the body,
// for two runs of the same instant may write the same.
func (s *S3) confirm(ctx context.Context, writer string) (etag string, err error) {
	got, err := s.objects.get(ctx, s.c.Key, mooring.MaxMemorySize)
	switch {
	case isCode(err, "AccessDenied"):
		return "", newDenied("s3:GetObject", s.c.arn(), err) // so there is an object, and it cannot be read
	case err != nil && !isCode(err, "NoSuchKey"):
		return "", fmt.Errorf("somebody saved: %w", err)
	case err == nil && got.writer == writer:
		return got.etag, nil
	}
	return "", mooring.ErrConflict
}

// writerKey is the object's metadata that marks who wrote it: one random text for each save, or for each holder of a lease.
const writerKey = "mooring-writer"

// putInput is a conditional write: it replaces what has the tag, or creates what is not there where the tag is "".
func (c S3Config) putInput(tag, writer string) (*s3.PutObjectInput, error) {
	in := &s3.PutObjectInput{
		Bucket: &c.Bucket, Key: &c.Key,
		ContentType: aws.String("application/json"), Metadata: map[string]string{writerKey: writer},
	}
	if tag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &tag
	}
	return in, c.Encrypt(in)
}

// Encrypt says of a write how the object is to be encrypted, as SSE has it.
func (c S3Config) Encrypt(in *s3.PutObjectInput) error {
	switch sse := c.SSE; {
	case sse == "" || sse == "none":
	case sse == "AES256":
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	case sse == "aws:kms" || strings.HasPrefix(sse, "aws:kms:"):
		in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
		if key := strings.TrimPrefix(strings.TrimPrefix(sse, "aws:kms"), ":"); key != "" {
			in.SSEKMSKeyId = &key
		}
	default:
		return fmt.Errorf("encryption %q: want none, AES256 or aws:kms[:KEY]", sse)
	}
	return nil
}

func (c S3Config) url() string { return "s3://" + c.Bucket + "/" + c.Key }

func (c S3Config) arn() string {
	return "arn:" + cmp.Or(c.Partition, "aws") + ":s3:::" + c.Bucket + "/" + c.Key
}
