package sim

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// An S3 answers GET, HEAD and PUT of objects as Amazon S3 does, addressed by path.
// Its zero value has no bucket. It may be used by several goroutines.
type S3 struct {
	// Clock gives the time of what is written; nil: the wall clock.
	Clock func() time.Time
	// HideMissing answers 403 for a missing object, as S3 does to who has no s3:ListBucket:
	// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
	HideMissing bool
	// Hides tells whose requests are answered so, where others may list the bucket; nil: nobody's.
	Hides func(*http.Request) bool

	mu      sync.Mutex
	buckets map[string]map[string]S3Object
	faults  []s3Fault
	calls   []S3Call
}

// An S3Object is an object as it is stored.
type S3Object struct {
	Body        []byte
	ETag        string // with its quotes
	Modified    time.Time
	ContentType string
	SSE, KMSKey string
	Metadata    map[string]string
	checksums   map[string]string // by header
}

// An S3Call is one request, and how it was answered; status 0 is a reply that was lost.
type S3Call struct {
	Method, Bucket, Key string
	Status              int
}

// An S3Fault is what goes wrong with a request.
type S3Fault struct {
	Latency   time.Duration
	Error     *APIError // instead of doing what was asked for
	LoseReply bool      // after doing it
}

// Faults of S3, as it words them.
var (
	S3SlowDown = S3Fault{Error: &APIError{Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: "Please reduce your request rate."}}
	S3Denied   = S3Fault{Error: &APIError{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}}
	S3Busy     = S3Fault{Error: &APIError{
		Status: http.StatusConflict, Code: "ConditionalRequestConflict",
		Message: "The conditional request cannot succeed due to a conflicting operation against this resource.",
	}}
)

// S3DeniedTo is a denial within an account, which names what is missing; of another account's bucket S3 says no more than
// [S3Denied]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
func S3DeniedTo(action, resource string) S3Fault {
	return S3Fault{Error: &APIError{
		Status: http.StatusForbidden, Code: "AccessDenied",
		Message: "User: arn:aws:sts::111122223333:assumed-role/mooring/session is not authorized to perform: " + action +
			` on resource: "` + resource + `" because no identity-based policy allows the ` + action + " action",
	}}
}

// hidden is what who may not list a bucket hears of an object that is not there. That S3 names s3:ListBucket then is seen in
// its answers to GetObject, and documented nowhere.
func hidden(bucket string) *APIError {
	return S3DeniedTo("s3:ListBucket", "arn:aws:s3:::"+bucket).Error
}

type s3Fault struct {
	method, key string
	left        int
	fault       S3Fault
}

// Inject makes the next n requests of method for key go wrong; n < 0: all. Method and key "" match any.
// Of several faults that match, the one injected first is used up first.
func (s *S3) Inject(method, key string, n int, f S3Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, s3Fault{method: method, key: key, left: n, fault: f})
}

// Heal removes all faults.
func (s *S3) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault returns what goes wrong with this request.
func (s *S3) fault(method, key string) S3Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		f := &s.faults[i]
		if f.left == 0 || f.method != "" && f.method != method || f.key != "" && f.key != key {
			continue
		}
		if f.left > 0 {
			f.left--
		}
		return f.fault
	}
	return S3Fault{}
}

// CreateBucket makes an empty bucket; one that is there stays as it is.
func (s *S3) CreateBucket(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets == nil {
		s.buckets = map[string]map[string]S3Object{}
	}
	if s.buckets[name] == nil {
		s.buckets[name] = map[string]S3Object{}
	}
}

// Put stores an object, whatever is there, and makes its bucket where there is none.
func (s *S3) Put(bucket, key string, body []byte) {
	s.CreateBucket(bucket)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[bucket][key] = newS3Object(body, s.now())
}

// Delete removes an object, if it is there.
func (s *S3) Delete(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.buckets[bucket], key)
}

// SetLastModified changes the age of an object that is there.
func (s *S3) SetLastModified(bucket, key string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.buckets[bucket][key]; ok {
		o.Modified = at
		s.buckets[bucket][key] = o
	}
}

// Objects returns what a bucket holds. The bodies are not to be changed.
func (s *S3) Objects(bucket string) map[string]S3Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.buckets[bucket])
}

// Calls returns every request so far, in the order in which they were answered.
func (s *S3) Calls() []S3Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *S3) now() time.Time {
	if s.Clock == nil {
		return time.Now()
	}
	return s.Clock()
}

func newS3Object(body []byte, at time.Time) S3Object {
	sum := md5.Sum(body) // as S3 makes the ETag of an object that is not encrypted by KMS
	return S3Object{Body: slices.Clone(body), ETag: `"` + hex.EncodeToString(sum[:]) + `"`, Modified: at}
}

// s3Precondition judges a conditional write; nil lets it through. An If-Match for what is not there is a 404, not a 412:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func s3Precondition(h http.Header, old S3Object, exists bool) *APIError {
	failed := &APIError{
		Status: http.StatusPreconditionFailed, Code: "PreconditionFailed",
		Message: "At least one of the pre-conditions you specified did not hold",
	}
	none, match := h.Get("If-None-Match"), h.Get("If-Match")
	switch {
	case none != "" && none != "*" || none != "" && match != "":
		return &APIError{
			Status: http.StatusNotImplemented, Code: "NotImplemented",
			Message: "A header you provided implies functionality that is not implemented",
		}
	case none != "" && exists:
		return failed
	case match != "" && !exists:
		return noSuchKey
	case match != "" && strings.Trim(match, `"`) != strings.Trim(old.ETag, `"`):
		return failed
	default:
		return nil
	}
}

var noSuchKey = &APIError{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist."}

// write stores an object by the conditions of h.
func (s *S3) write(bucket, key string, o S3Object, h http.Header) *APIError {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects, err := s.bucket(bucket)
	if err != nil {
		return err
	}
	old, exists := objects[key]
	if err := s3Precondition(h, old, exists); err != nil {
		return err
	}
	objects[key] = o
	return nil
}

func (s *S3) read(bucket, key string) (S3Object, *APIError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects, err := s.bucket(bucket)
	if err != nil {
		return S3Object{}, err
	}
	o, ok := objects[key]
	switch {
	case ok:
		return o, nil
	case s.HideMissing:
		return S3Object{}, hidden(bucket)
	default:
		return S3Object{}, noSuchKey
	}
}

// bucket returns a bucket's objects; the lock is held.
func (s *S3) bucket(name string) (map[string]S3Object, *APIError) {
	if objects := s.buckets[name]; objects != nil {
		return objects, nil
	}
	return nil, &APIError{Status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist"}
}

func (s *S3) record(c S3Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}
