package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mooring"
)

// ObjectsAPI reads and writes objects.
type ObjectsAPI interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// A Place is where a memory is on S3.
type Place struct {
	Bucket, Key string
	Owner       string // the account that must own the bucket; "": not checked
	Partition   string // of ARNs

	Encrypt func(*s3.PutObjectInput) error // makes a write as those of the memory are; nil: the bucket's default
}

// never is an ETag that no object has: S3's are hexadecimal.
const never = `"mooring-doctor-never"`

// OnS3 looks at a memory on S3. To see that it can be written by condition it puts doctor.json beside it, if that had an
// ETag that nothing has: a store that honours conditions refuses, with 412 where there is such an object and 404 where
// there is none, and that takes the permission to write. So nothing comes to be, unless the store is no good.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func OnS3(ctx context.Context, api ObjectsAPI, p Place) (Memory, error) {
	m := Memory{Where: "s3://" + p.Bucket + "/" + p.Key}
	expected := aws.String(p.Owner)
	if p.Owner == "" {
		expected = nil
	}
	err := limited(ctx, func(ctx context.Context) error {
		out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, ExpectedBucketOwner: expected})
		if err == nil {
			_ = out.Body.Close() // only that it is there
		}
		return err
	})
	switch code := codeOf(err); {
	case err == nil:
		m.Found = true
	case code == "NoSuchKey":
	case isDeniedCode(code):
		m.Read = &mooring.Denied{Action: "s3:GetObject", Resource: p.arn(p.Key), Err: err}
	default:
		m.Read, m.Unasked = fmt.Errorf("read %s: %w", m.Where, err), true
		return m, nil
	}
	probe := p.Key[:strings.LastIndex(p.Key, "/")+1] + "doctor.json"
	m.Probe = "s3://" + p.Bucket + "/" + probe
	in := &s3.PutObjectInput{
		Bucket: &p.Bucket, Key: &probe, ExpectedBucketOwner: expected, IfMatch: aws.String(never),
		Body: strings.NewReader("{}\n"), ContentType: aws.String("application/json"),
	}
	if p.Encrypt != nil {
		if err := p.Encrypt(in); err != nil {
			return m, err
		}
	}
	err = limited(ctx, func(ctx context.Context) error {
		_, err := api.PutObject(ctx, in)
		return err
	})
	m.judgeWrite(err, p.arn(probe))
	return m, nil
}

func (p Place) arn(key string) string { return "arn:" + p.Partition + ":s3:::" + p.Bucket + "/" + key }

// deniedAction finds what is denied in S3's words, which it gives where the policies of the same account are the reason:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
var deniedAction = regexp.MustCompile(`not authorized to perform: ((?:s3|kms):[A-Za-z]+)`)

// judgeWrite knows that S3 also denies what it may not show to be missing, without s3:ListBucket.
func (m *Memory) judgeWrite(err error, resource string) {
	switch code := codeOf(err); {
	case err == nil:
		m.Loose = true
	case code == "PreconditionFailed" || code == "NoSuchKey":
	case isDeniedCode(code):
		action := "s3:PutObject"
		if words := deniedAction.FindStringSubmatch(err.Error()); words != nil {
			action = words[1]
		} else if m.Read != nil || m.Found {
			m.Doubt = err
			return
		}
		m.Write = &mooring.Denied{Action: action, Resource: resource, Err: err}
	default:
		m.Write = fmt.Errorf("write %s: %w", m.Probe, err)
	}
}

// InFile looks at a memory in a file. It makes a file in the directory, or the nearest one that is there, and removes it.
func InFile(dir, name string) (Memory, error) {
	m := Memory{Where: filepath.Join(dir, filepath.FromSlash(name))}
	f, err := os.Open(m.Where)
	switch {
	case err == nil:
		m.Found = true
		_ = f.Close()
	case !errors.Is(err, fs.ErrNotExist):
		m.Read = err
	}
	at := filepath.Dir(m.Where)
	for {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	probe, err := os.CreateTemp(at, ".mooring-doctor-*")
	if err != nil {
		m.Write = err
		return m, nil
	}
	_ = probe.Close()
	m.Write = os.Remove(probe.Name())
	return m, nil
}
