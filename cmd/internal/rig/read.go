package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring/internal/config"
)

// readLimit is how long reading a configuration from S3 may take.
const readLimit = 5 * time.Second

// NewReader reads configurations from files and from S3, there in the region, with the profile and with the role that
// flags or variables name.
func NewReader(flags config.Flags, env config.Environment) config.Reader {
	return func(ctx context.Context, where string) ([]byte, error) {
		if !strings.HasPrefix(where, "s3://") {
			return readFile(where)
		}
		bucket, key, _ := strings.Cut(strings.TrimPrefix(where, "s3://"), "/")
		if bucket == "" || key == "" {
			return nil, errors.New("want s3://BUCKET/KEY")
		}
		access, err := config.LoadAWS(flags, env)
		if err != nil {
			return nil, err
		}
		return readObject(ctx, access, bucket, key)
	}
}

// readFile reads a regular file, or one that a link leads to. Opening a pipe would wait for its other end.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("read the configuration: not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	return readSome(f)
}

func readObject(ctx context.Context, access config.AWS, bucket, key string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	base, err := NewClients(nil).as(ctx, access, "")
	if err != nil {
		return nil, err
	}
	if base.Region == "" {
		return nil, errors.New("read the configuration from S3: no region: set --region or AWS_REGION to the bucket's")
	}
	client := s3.NewFromConfig(base, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		o.DisableLogOutputChecksumValidationSkipped = true // most objects that people put there have no checksum
	})
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return nil, fmt.Errorf("read the configuration from S3: %w", err)
	}
	defer func() { _ = out.Body.Close() }()
	return readSome(out.Body)
}

// readSome reads a byte more than a configuration may have at the most, and then says so.
func readSome(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, config.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(body) > config.MaxFile {
		return nil, fmt.Errorf("larger than %d bytes", config.MaxFile)
	}
	return body, nil
}
