package elb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"mooring"
	"mooring/internal/elb"
	"mooring/internal/sim"
)

// pipes are connections in memory. Virtual time stands still while they are written to and read from, so that AWS's
// own rates can be kept to the token.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A fleetOfGroups is many target groups of one account, reached by the real SDK over HTTP in virtual time.
type fleetOfGroups struct {
	aws    *sim.AWS
	cfg    aws.Config
	groups []*sim.TargetGroup
}

// inVirtualTime runs a test on n target groups, with AWS's own buckets.
func inVirtualTime(t *testing.T, n int, test func(*testing.T, *fleetOfGroups)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleetOfGroups{}
		for i := range n {
			f.groups = append(f.groups, &sim.TargetGroup{
				ARN:  strings.Replace(arn, "web-443", fmt.Sprint("web-", i), 1),
				Type: "ip", Protocol: "TCP", VPC: fmt.Sprint("vpc-", i), Port: 443,
				Subnets: harbourSubnets(),
			})
		}
		f.aws = sim.NewAWS(f.groups...)
		f.aws.Buckets = &sim.Buckets{}
		p := pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: f.aws, ErrorLog: log.New(io.Discard, "", 0)}
		var served sync.WaitGroup
		served.Go(func() { _ = server.Serve(p) })
		transport := &http.Transport{DialContext: p.dial}
		f.cfg = aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String("http://aws.invalid"), HTTPClient: whole{&http.Client{Transport: transport}},
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
			Retryer: func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
			},
		}
		test(t, f)
		transport.CloseIdleConnections()
		_ = server.Close()
		served.Wait()
	})
}

func (f *fleetOfGroups) group(i int, l *elb.Limiter) *elb.Group {
	return elb.Connect(f.cfg, elb.Config{Name: fmt.Sprint("web-", i), ARN: f.groups[i].ARN, Port: 443, Limiter: l})
}

// rounds lets every binding read its group and register two targets, all at once.
func (f *fleetOfGroups) rounds(t *testing.T, l *elb.Limiter) (failed []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range f.groups {
		all.Go(func() {
			if err := round(t.Context(), f.group(i, l)); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	all.Wait()
	return failed
}

func round(ctx context.Context, g *elb.Group) error {
	_, reading := g.Targets(ctx)
	settings, inspecting := g.Inspect(ctx)
	out, registering := g.Register(ctx, []mooring.Target{target("10.0.1.5"), target("10.9.0.5")}, allowed)
	if err := errors.Join(reading, inspecting, registering); err != nil {
		return err
	}
	if settings.CrossZone(ctx); len(out.Registered) != 2 {
		return fmt.Errorf("%d registered, want 2", len(out.Registered))
	}
	return nil
}

func TestTwoHundredBindingsAtOnceKeepToHalfOfAWSsBuckets(t *testing.T) {
	inVirtualTime(t, 200, func(t *testing.T, f *fleetOfGroups) {
		began := time.Now()
		if failed := f.rounds(t, elb.NewLimiter(0.5)); len(failed) > 0 {
			t.Errorf("%d of 200 failed, such as: %v", len(failed), failed[0])
		}
		b := f.aws.Buckets
		if n := b.Throttled(); n != 0 {
			t.Errorf("%d calls were throttled", n)
		}
		for category, capacity := range map[string]float64{sim.BucketELB: 40, sim.BucketReads: 40, sim.BucketRegister: 20, sim.BucketEC2: 100} {
			if got, most := b.Worst(category), 0.5+1/capacity; got > most {
				t.Errorf("%s: %.3f of the bucket was used up, want at most half and one token: %.3f", category, got, most)
			}
			if b.Worst(category) == 0 {
				t.Errorf("%s: nothing was used", category)
			}
		}
		// 600 reads, five a second after the first twenty, and then 200 registrations, two a second after the first
		// ten: no time is wasted either.
		if took := time.Since(began); took > 220*time.Second {
			t.Errorf("it took %s, want about 116 s and 95 s", took)
		}
	})
}

func TestWithoutALimiterAWSThrottles(t *testing.T) {
	inVirtualTime(t, 100, func(t *testing.T, f *fleetOfGroups) {
		if failed := f.rounds(t, nil); len(failed) == 0 || f.aws.Buckets.Throttled() == 0 {
			t.Errorf("%d failed, %d throttled", len(failed), f.aws.Buckets.Throttled())
		}
	})
}

// starts are when an action was called, since the beginning.
func (f *fleetOfGroups) starts(action string, began time.Time) []time.Duration {
	var out []time.Duration
	for _, c := range f.aws.Calls() {
		if c.Action == action {
			out = append(out, c.Start.Sub(began))
		}
	}
	return out
}

// drain uses up the four tokens that a tenth of the buckets holds; then there is one a second, and one in 2.5 s for
// registrations.
func (f *fleetOfGroups) drain(t *testing.T, g *elb.Group) {
	t.Helper()
	for range 4 {
		if _, err := g.Targets(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.aws.Forget()
}

func TestTheSDKsRetriesTakeTokensToo(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		began, g := time.Now(), f.group(0, elb.NewLimiter(0.1))
		f.drain(t, g)
		f.aws.Inject(sim.AWSFault{Status: 500, Times: 2})
		if _, err := g.Targets(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, at := range f.starts("DescribeTargetHealth", began) {
			if want := time.Duration(i+1) * time.Second; at < want || at > want+10*time.Millisecond {
				t.Errorf("attempt %d after %s, want %s", i+1, at, want)
			}
		}
		if n := len(f.starts("DescribeTargetHealth", began)); n != 3 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestAThrottledCallIsTriedAgainAfterASecond(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		began, g := time.Now(), f.group(0, elb.NewLimiter(1))
		f.aws.Inject(sim.AWSFault{Throttled: true, Times: 1})
		if _, err := g.Targets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if at := f.starts("DescribeTargetHealth", began); len(at) != 2 || at[0] != 0 || at[1] < time.Second || at[1] > 1100*time.Millisecond {
			t.Errorf("attempts at %v, want one at once and one after a second", at)
		}
	})
}

func TestACallThatIsAlwaysThrottledSaysSo(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		g := f.group(0, elb.NewLimiter(0.02)) // a retry has its token after 12.5 s, and five seconds
		f.aws.Inject(sim.AWSFault{Throttled: true})
		_, err := g.Register(t.Context(), []mooring.Target{target("10.0.1.5")}, allowed)
		if err == nil || !strings.Contains(err.Error(), "no answer within 5s") || !strings.Contains(err.Error(), "Rate exceeded") {
			t.Errorf("error %v", err)
		}
	})
}

func TestTheWaitForATurnIsNoPartOfACallsTime(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		g := f.group(0, elb.NewLimiter(0.01))
		for i := range 3 {
			if _, err := g.Targets(t.Context()); err != nil {
				t.Errorf("the call after %d0 s: %v", i, err)
			}
		}
	})
}

func TestAPermitIsAskedAfterTheWait(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		began, g := time.Now(), f.group(0, elb.NewLimiter(0.01)) // one registration in 25 s
		var asked []time.Duration
		permit := func() error { asked = append(asked, time.Since(began)); return nil }
		one := []mooring.Target{target("10.0.1.5")}
		if _, err := g.Register(t.Context(), one, permit); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Deregister(t.Context(), one, permit); err != nil {
			t.Fatal(err)
		}
		called := f.starts("DeregisterTargets", began)
		if len(asked) != 2 || len(called) != 1 || called[0] != asked[1] || asked[1] < 24*time.Second {
			t.Errorf("asked at %v, called at %v: want the second permit right before its call", asked, called)
		}
	})
}

func TestARoundThatEndsWhileItWaitsCallsNobody(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, f *fleetOfGroups) {
		g := f.group(0, elb.NewLimiter(0.01))
		f.aws.Forget()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var err error
		for err == nil {
			_, err = g.Targets(ctx)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for a turn to call elasticloadbalancing:DescribeTargetHealth") {
			t.Errorf("error %v", err)
		}
		if n := f.aws.Count("DescribeTargetHealth"); n != 1 {
			t.Errorf("%d calls, want the first alone", n)
		}
	})
}
