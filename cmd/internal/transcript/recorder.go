package transcript

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Tape collects the entries of a walk. It may be used by several goroutines.
type Tape struct {
	Mask *Mask
	Now  func() time.Time // nil: the wall clock

	mu       sync.Mutex
	start    time.Time
	check    string
	together int // the number of the last such group
	joined   bool
	entries  []Entry
}

// Check says which assumption the following entries are about.
func (t *Tape) Check(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.check = id
}

// Together runs what makes its calls at the same time: their order means nothing.
func (t *Tape) Together(run func()) {
	t.mu.Lock()
	t.together++
	t.joined = true
	t.mu.Unlock()
	run()
	t.mu.Lock()
	t.joined = false
	t.mu.Unlock()
}

// Entries returns what was recorded, in the order in which it began.
func (t *Tape) Entries() []Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := slices.Clone(t.entries)
	slices.SortStableFunc(out, func(a, b Entry) int { return int(a.At - b.At) })
	return out
}

func (t *Tape) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// begin opens an entry, and returns how to close it.
func (t *Tape) begin(as string) (e Entry, end func(Entry)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	began := t.now()
	if t.start.IsZero() {
		t.start = began
	}
	e = Entry{Check: t.check, At: began.Sub(t.start).Milliseconds(), As: as}
	if t.joined {
		e.Together = t.together
	}
	return e, func(e Entry) {
		t.mu.Lock()
		defer t.mu.Unlock()
		e.Took = t.now().Sub(began).Milliseconds()
		t.entries = append(t.entries, e)
	}
}

// Ask records a series of questions that ask answers.
func (t *Tape) Ask(a Asked, ask func() []Answer) []Answer {
	e, end := t.begin("")
	answers := ask()
	a.Name = t.Mask.Host(a.Name)
	for _, one := range answers {
		one.Error, one.Addrs, one.Names = t.Mask.Text(one.Error), slices.Clone(one.Addrs), slices.Clone(one.Names)
		for i := range one.Addrs {
			one.Addrs[i] = t.Mask.Addr(one.Addrs[i])
		}
		for i := range one.Names {
			one.Names[i] = t.Mask.Host(one.Names[i])
		}
		a.Answers = append(a.Answers, one)
	}
	e.Ask = &a
	end(e)
	return answers
}

// A Recorder is a transport that puts each attempt of each call on a tape. Of a request and its reply it keeps what a replay
// needs, by lists of headers, of parameters and of elements: no signature, no token, no tag. Nothing is kept of what STS is
// told and replies, as it hands out credentials.
type Recorder struct {
	Tape *Tape
	As   string            // who signs
	Base http.RoundTripper // nil: http.DefaultTransport
}

const maxBody = 256 << 10 // what is kept of a body; the state of a thousand targets takes as much

// RoundTrip implements [http.RoundTripper].
func (r Recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	sent, err := take(&request.Body)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	e, end := r.Tape.begin(r.As)
	call := describe(request, sent, r.Tape.Mask)
	base := r.Base
	if base == nil {
		base = http.DefaultTransport
	}
	reply, err := base.RoundTrip(request)
	if err == nil {
		var got []byte
		if got, err = take(&reply.Body); err == nil {
			call.Reply = answered(call, reply, got, r.Tape.Mask)
		}
	}
	e.Call = &call
	end(e)
	return reply, err
}

// take reads a body, and puts it back.
func take(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	text, err := io.ReadAll(io.LimitReader(*body, maxBody))
	if err != nil {
		return nil, err
	}
	*body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), *body), *body}
	return text, nil
}

var services = map[string]string{"2015-12-01": "elb", "2016-11-15": "ec2", "2011-06-15": "sts"}

// What is kept of a request and its reply.
var (
	meaningful = []string{"If-Match", "If-None-Match", "Etag"}
	parameter  = regexp.MustCompile(`^(?:Action|Version|TargetGroupArn|Targets\.member\.\d+\.(?:Id|Port|AvailabilityZone)|Filter\.\d+\.(?:Name|Value\.\d+))$`)
	tag        = regexp.MustCompile(`^(?:\*|"[0-9a-f]{1,32}")$`) // of an entity: as the walk writes what it digests, it tells nothing
)

func describe(r *http.Request, body []byte, m *Mask) Call {
	c := Call{Method: r.Method, Path: m.Path(r.URL.Path), Headers: kept(r.Header, m)}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		c.Service, c.Action = "s3", map[string]string{
			http.MethodGet: "GetObject", http.MethodPut: "PutObject", http.MethodDelete: "DeleteObject", http.MethodHead: "HeadObject",
		}[r.Method]
		c.Body = m.Text(string(body))
		return c
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return c
	}
	c.Service, c.Action, c.Form = services[form.Get("Version")], m.Text(form.Get("Action")), map[string]string{}
	for key := range form {
		if parameter.MatchString(key) {
			c.Form[key] = m.Text(form.Get(key))
		}
	}
	return c
}

func kept(h http.Header, m *Mask) map[string]string {
	out := map[string]string{}
	for _, name := range meaningful {
		if value := h.Get(name); tag.MatchString(value) {
			out[name] = value
		} else if value != "" {
			out[name] = m.Path(value)
		}
	}
	return out
}

func answered(c Call, r *http.Response, body []byte, m *Mask) Reply {
	out := Reply{Status: r.StatusCode, Headers: kept(r.Header, m)}
	if out.Status >= http.StatusMultipleChoices {
		out.Code, out.Message = fault(body)
		out.Code, out.Message = m.Text(out.Code), m.Text(out.Message)
		return out
	}
	out.Body = excerpt(c.Action, string(body), m)
	return out
}
