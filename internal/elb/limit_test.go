package elb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	groupARN  = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web-443/73e2d6bc24d8a067"
	readGroup = "elasticloadbalancing:DescribeTargetHealth"
	subnetsOf = "ec2:DescribeSubnets"
)

// A queue is a limiter that is asked by several at once, in virtual time.
type queue struct {
	t     *testing.T
	l     *Limiter
	began time.Time
	wg    sync.WaitGroup

	mu  sync.Mutex
	log []string
	at  []time.Duration // since the beginning
}

func newQueue(t *testing.T, share float64) *queue {
	return &queue{t: t, l: NewLimiter(share), began: time.Now()}
}

func (q *queue) ticket(binding, action string) *ticket {
	return q.l.ticketOf(Config{Name: binding, ARN: groupARN}, action)
}

// spend takes n tokens that are there.
func (q *queue) spend(action string, n int) {
	q.t.Helper()
	before := time.Now()
	for range n {
		if err := q.l.take(q.t.Context(), q.ticket("earlier", action), false); err != nil {
			q.t.Fatal(err)
		}
	}
	if d := time.Since(before); d != 0 {
		q.t.Fatalf("%d tokens took %s", n, d)
	}
}

// ask gets in line, and notes when it was served.
func (q *queue) ask(ctx context.Context, binding, action string) {
	q.wg.Go(func() {
		if err := q.l.take(ctx, q.ticket(binding, action), false); err != nil {
			return
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.log, q.at = append(q.log, binding), append(q.at, time.Since(q.began))
	})
	synctest.Wait() // in line before the next one
}

// idle wants nothing left behind.
func (q *queue) idle() {
	q.t.Helper()
	q.l.mu.Lock()
	defer q.l.mu.Unlock()
	for _, b := range q.l.budgets {
		if len(b.lines) > 0 || b.timer != nil && b.timer.Stop() {
			q.t.Errorf("%d bindings are in line, or a timer runs for nobody", len(b.lines))
		}
	}
}

func TestHalfOfAWSsBucketsIsHalfOfTheirSizeAndRate(t *testing.T) {
	for _, c := range []struct {
		action string
		burst  int
		rate   float64
	}{{readGroup, 20, 5}, {actionRegister, 10, 2}, {actionDeregister, 10, 2}, {subnetsOf, 50, 10}} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(t, 0.5)
			q.spend(c.action, c.burst)
			for range 20 {
				q.ask(t.Context(), "web", c.action)
			}
			q.wg.Wait()
			if got, want := q.at[19].Seconds(), 20/c.rate; math.Abs(got-want) > 0.01 {
				t.Errorf("%s: 20 more took %.2f s, want %.2f", c.action, got, want)
			}
			q.idle()
		})
	}
}

func TestOneBindingWithFortyBatchesDoesNotKeepTheOthersWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.spend(actionRegister, 20)
		for range 40 {
			q.ask(t.Context(), "big", actionRegister)
		}
		for _, small := range []string{"a", "b", "c"} {
			q.ask(t.Context(), small, actionRegister)
			q.ask(t.Context(), small, actionRegister)
		}
		q.wg.Wait()
		if got := strings.Join(q.log[:8], " "); got != "big a b c big a b c" {
			t.Errorf("served: %s", got)
		}
		q.idle()
	})
}

func TestWithinABindingWhoCameFirstIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.spend(readGroup, 40)
		served := make(chan int, 6) // one every tenth of a second
		ask := func(who int, again bool) {
			q.wg.Go(func() {
				if err := q.l.take(t.Context(), q.ticket("web", readGroup), again); err != nil {
					t.Error(err)
				}
				served <- who
			})
			synctest.Wait()
		}
		for i := range 5 {
			ask(i, false)
		}
		ask(-1, true)
		q.wg.Wait()
		var order []int
		for range 6 {
			order = append(order, <-served)
		}
		if !slices.Equal(order, []int{-1, 0, 1, 2, 3, 4}) {
			t.Errorf("served %v, want the retry first, and then as they came", order)
		}
	})
}

func TestRegistrationsAreNotStarvedByReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.spend(actionRegister, 20)
		q.spend(readGroup, 20)
		for i := range 100 {
			q.ask(t.Context(), fmt.Sprint("reads-", i), readGroup)
		}
		for range 8 {
			q.ask(t.Context(), "registers", actionRegister)
		}
		for i := range 100 {
			q.ask(t.Context(), fmt.Sprint("reads-too-", i), readGroup)
		}
		q.wg.Wait()
		var at []time.Duration
		for i, who := range q.log {
			if who == "registers" {
				at = append(at, q.at[i])
			}
		}
		// A hundred bindings are before it: ten seconds. Then its turn comes again after all the others', each time.
		if first := at[0]; first > 10500*time.Millisecond {
			t.Errorf("the first registration waited %s for 100 reads", first)
		}
		if last := at[7]; last > 21*time.Second {
			t.Errorf("the last registration waited %s, which is longer than all reads together", last)
		}
	})
}

func TestWhoMustWaitForAnotherBucketKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.spend(actionRegister, 20)
		q.ask(t.Context(), "registers", actionRegister) // has a token after 250 ms
		q.spend(readGroup, 20)
		for i := range 10 {
			q.ask(t.Context(), fmt.Sprint("reads-", i), readGroup)
		}
		q.wg.Wait()
		if i := slices.Index(q.log, "registers"); i < 0 || q.at[i] > 300*time.Millisecond {
			t.Errorf("served %v at %v, want the registration as soon as it has its token", q.log, q.at)
		}
	})
}

func TestWhoGivesUpLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.spend(readGroup, 40)
		over := errors.New("the round is over")
		ctx, cancel := context.WithCancelCause(t.Context())
		var gaveUp error
		q.wg.Go(func() { gaveUp = q.l.take(ctx, q.ticket("first", readGroup), false) })
		synctest.Wait()
		q.ask(t.Context(), "second", readGroup)
		cancel(over)
		q.wg.Wait()
		if !errors.Is(gaveUp, over) || !strings.Contains(gaveUp.Error(), "wait for a turn to call "+readGroup) {
			t.Errorf("error %v", gaveUp)
		}
		if len(q.at) != 1 || q.at[0] > 100*time.Millisecond {
			t.Errorf("the second was served at %v, want it to get the first's token", q.at)
		}
		ctx, cancel = context.WithCancelCause(t.Context())
		q.ask(ctx, "third", readGroup)
		cancel(over)
		q.wg.Wait()
		q.idle()
		if err := q.l.take(ctx, q.ticket("fourth", subnetsOf), false); !errors.Is(err, over) {
			t.Errorf("with a context that has ended: error %v", err)
		}
	})
}

func TestAfterAThrottlingNobodyIsServedForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.spend(readGroup, 1)
		q.l.throttled(q.ticket("earlier", readGroup))
		for range 20 {
			q.ask(t.Context(), "web", readGroup)
		}
		q.ask(t.Context(), "web", subnetsOf)
		q.wg.Wait()
		if q.at[0] != 0 {
			t.Errorf("EC2 was asked after %s, though it throttled nobody", q.at[0])
		}
		if first, last := q.at[1], q.at[20]; first != time.Second || last != 2*time.Second {
			t.Errorf("served from %s to %s, want from 1 s, when there are ten tokens again, to 2 s", first, last)
		}
		q.idle()
	})
}

func TestWhoComesWhileNobodyIsServedWaitsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.l.throttled(q.ticket("earlier", readGroup))
		<-time.After(500 * time.Millisecond) // there are five tokens again
		q.ask(t.Context(), "first", readGroup)
		q.ask(t.Context(), "second", readGroup)
		q.wg.Wait()
		if len(q.at) != 2 || q.at[0] != time.Second || q.at[1] != time.Second {
			t.Errorf("served at %v, want both after a second", q.at)
		}
	})
}

func TestWhoComesLaterDoesNotTakeTheTokenOfWhoIsInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		q.spend(readGroup, 40)
		first := q.l.join(q.ticket("first", readGroup), false, q.began)
		second := q.l.join(q.ticket("second", readGroup), false, q.began.Add(100*time.Millisecond)) // before the timer rang
		if first == nil || second == nil {
			t.Fatal("there was a token for nobody")
		}
		select {
		case <-first.served:
		default:
			t.Error("the first has not got the token that there is")
		}
		<-second.served
		q.idle()
	})
}

func TestEveryAccountAndRegionHasBucketsOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 0.1)
		for _, arn := range []string{groupARN, strings.Replace(groupARN, "us-east-1", "us-east-2", 1), strings.Replace(groupARN, "1234", "4321", 1), "no ARN"} {
			for range 2 {
				if err := q.l.take(t.Context(), q.l.ticketOf(Config{ARN: arn}, actionRegister), false); err != nil {
					t.Error(err)
				}
			}
		}
		if waited := time.Since(q.began); waited != 0 {
			t.Errorf("two registrations in each waited %s", waited)
		}
	})
}

func TestEveryWaitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 1)
		var told []string
		q.l.Waited = func(action string, d time.Duration) { told = append(told, fmt.Sprint(action, " ", d)) }
		q.spend(actionRegister, 20)
		q.ask(t.Context(), "web", actionRegister)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		q.wg.Wait() // 250 ms
		q.ask(ctx, "web", actionRegister)
		q.wg.Wait() // until 300 ms
		if want := []string{actionRegister + " 250ms", actionRegister + " 50ms"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestAShareThatIsNoneStillServes(t *testing.T) {
	for _, share := range []float64{math.NaN(), -1, 0, 0.001, math.Inf(-1)} {
		if got := NewLimiter(share).share; got != minShare {
			t.Errorf("%v: %v", share, got)
		}
	}
	for _, share := range []float64{1, 2, math.Inf(1)} {
		if got := NewLimiter(share).share; got != 1 {
			t.Errorf("%v: %v", share, got)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, 0.01)
		q.spend(readGroup, 1)
		q.ask(t.Context(), "web", readGroup)
		q.wg.Wait()
		if got := q.at[0]; got < 9*time.Second || got > 11*time.Second {
			t.Errorf("the second waited %s, want 10 s", got)
		}
	})
}

func BenchmarkATokenThatIsThere(b *testing.B) {
	l := NewLimiter(1)
	t := l.ticketOf(Config{Name: "web", ARN: groupARN}, readGroup)
	for i := range l.budget(t.account).buckets {
		l.budgets[t.account].buckets[i].tokens, l.budgets[t.account].buckets[i].burst = math.MaxInt32, math.MaxInt32
	}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.take(ctx, l.ticketOf(Config{Name: "web", ARN: groupARN}, readGroup), false); err != nil {
			b.Fatal(err)
		}
	}
}
