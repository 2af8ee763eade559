package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// callTime is how long one call may take, with all its retries.
const callTime = 5 * time.Second

// S3API is the part of the S3 client that is called. It needs s3:GetObject and s3:PutObject, and nothing else.
type S3API interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// objects are those of one bucket.
type objects struct {
	api    S3API
	bucket string
	owner  string // the account that must own the bucket; "": not checked
}

// An object is what was read of one, and no more of its body than one byte over the limit.
type object struct {
	body     []byte
	etag     string
	writer   string
	modified time.Time
}

// get reads an object, and of one that is larger than limit the first limit+1 bytes.
func (b objects) get(ctx context.Context, key string, limit int64) (object, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := b.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key, ExpectedBucketOwner: b.expected()})
	if isCode(err, "NoSuchBucket") {
		return object{}, fmt.Errorf("there is no bucket %q: %w", b.bucket, err)
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

// put writes body as in says, which it does not change.
func (b objects) put(ctx context.Context, in *s3.PutObjectInput, body []byte) (etag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	again := *in
	again.Body, again.ExpectedBucketOwner = strings.NewReader(string(body)), b.expected()
	out, err := b.api.PutObject(ctx, &again)
	if err != nil {
		return "", err
	}
	if aws.ToString(out.ETag) == "" {
		return "", errors.New("the reply has no ETag, so the next write could not be conditional")
	}
	return *out.ETag, nil
}

func (b objects) expected() *string {
	if b.owner == "" {
		return nil
	}
	return &b.owner
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
