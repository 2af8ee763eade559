package front_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mooring"
	"mooring/internal/front"
)

// leaks remembers what the process holds, and fails the test unless it comes back to that.
func leaks(t *testing.T) {
	t.Helper()
	goroutines, files := runtime.NumGoroutine(), openFiles()
	t.Cleanup(func() {
		until(t, fmt.Sprintf("no more than %d goroutines and %d files are left", goroutines, files), func() bool {
			runtime.GC() // pipes of splices are kept for the next one until then
			return runtime.NumGoroutine() <= goroutines && openFiles() <= files
		})
	})
}

// openFiles counts descriptors where that is possible.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// A farm are targets that echo, and know of each flow whether they were registered when it came.
type farm struct {
	s        subject
	mu       sync.Mutex
	draining map[mooring.Target]bool
	strays   atomic.Int32 // flows that came to a draining target
}

func (f *farm) grow() mooring.Target {
	var self mooring.Target
	ready := make(chan bool)
	self = serve(f.s.t, func(c *net.TCPConn) {
		<-ready
		first := make([]byte, 1)
		if _, err := io.ReadFull(c, first); err != nil {
			return // a health check
		}
		f.mu.Lock()
		if f.draining[self] {
			f.strays.Add(1)
		}
		f.mu.Unlock()
		_, _ = c.Write(first)
		echo(c)
	})
	close(ready)
	return self
}

// A thousand clients at once, each of which sends something and must get the same back, while all targets are replaced
// several times.
func TestAThousandConnectionsWhileTargetsAreReplaced(t *testing.T) {
	leaks(t)
	s := open(t, quick())
	f := &farm{s: s, draining: map[mooring.Target]bool{}}
	present := []mooring.Target{f.grow(), f.grow(), f.grow(), f.grow()}
	s.register(present...)

	const clients, size = 1000, 64 << 10
	var all sync.WaitGroup
	start, failed := make(chan bool), make(chan error, clients)
	for i := range clients {
		all.Go(func() {
			<-start
			failed <- talk(s.Addr().String(), uint64(i), size)
		})
	}
	close(start)
	for range 5 {
		next := []mooring.Target{f.grow(), f.grow(), f.grow(), f.grow()}
		s.register(next...)
		for _, n := range next {
			s.becomes(n, mooring.HealthHealthy)
		}
		s.deregister(present...)
		present = next
	}
	all.Wait()
	for range clients {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	until(t, "all flows are over and all that left are gone", func() bool {
		st := s.Stats()
		return st.Flows == 0 && st.Targets[mooring.HealthDraining] == 0
	})
	st := s.Stats()
	if st.Accepted != clients || st.In != clients*size || st.Out != clients*size || len(st.Refused) > 0 {
		t.Errorf("counted %+v", st)
	}
}

// talk sends random bytes, and fails unless the same come back.
func talk(addr string, seed uint64, size int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	sent := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(sent)
	go func() {
		_, _ = c.Write(sent)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err == nil && !bytes.Equal(got, sent) {
		err = fmt.Errorf("%d bytes came back, and not those that were sent", len(got))
	}
	return err
}

// No flow may come to a target after its deregistration was confirmed.
func TestNoNewFlowComesToADrainingTarget(t *testing.T) {
	leaks(t)
	s := open(t, quick())
	f := &farm{s: s, draining: map[mooring.Target]bool{}}
	a, b := f.grow(), f.grow()
	s.register(a, b)
	s.becomes(a, mooring.HealthHealthy)
	s.becomes(b, mooring.HealthHealthy)
	keep := map[mooring.Target]int{} // flows that stay, so that it drains for long
	for keep[a] == 0 || keep[b] == 0 {
		c := s.dial()
		_, _ = io.WriteString(c, "x")
		read(t, c)
		keep = map[mooring.Target]int{a: s.flows(a), b: s.flows(b)}
	}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := talk(s.Addr().String(), uint64(i), 10); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 20 {
		for _, leaving := range []mooring.Target{a, b} {
			s.deregister(leaving)
			until(t, "flows that were begun before are over", func() bool { return s.flows(leaving) == keep[leaving] })
			f.mark(leaving, true)
			before := s.Stats().Accepted
			until(t, "new flows came", func() bool { return s.Stats().Accepted > before+20 })
			f.mark(leaving, false)
			s.register(leaving)
			s.becomes(leaving, mooring.HealthHealthy)
		}
	}
	stop()
	all.Wait()
	if n := f.strays.Load(); n > 0 {
		t.Errorf("%d flows came to a draining target", n)
	}
}

func (f *farm) mark(target mooring.Target, draining bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.draining[target] = draining
}

// A target that dies in the middle of transfers takes its own flows with it, and no others.
func TestATargetKilledInTheMiddleOfTransfersBreaksItsOwnFlowsOnly(t *testing.T) {
	leaks(t)
	s := open(t, quick())
	var doomed sync.Map
	kill := make(chan bool)
	stream := func(name string) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			if _, err := io.WriteString(c, name); err != nil {
				return
			}
			if name == "b" {
				doomed.Store(c, true)
			}
			block := []byte(strings.Repeat(name, 32<<10))
			for range 64 {
				if _, err := c.Write(block); err != nil {
					return
				}
				if name == "b" {
					<-kill // after its first block
					_ = c.SetLinger(0)
					return
				}
			}
		}
	}
	a, b := serve(t, stream("a")), serve(t, stream("b"))
	s.register(a, b)
	s.becomes(a, mooring.HealthHealthy)
	s.becomes(b, mooring.HealthHealthy)
	const pairs = 20
	type end struct {
		name string
		n    int64
		err  error
	}
	ends := make(chan end)
	for range 2 * pairs {
		c := s.dial()
		go func() {
			name := make([]byte, 1)
			_, _ = io.ReadFull(c, name)
			n, err := io.Copy(io.Discard, c)
			_ = c.Close()
			ends <- end{string(name), n, err}
		}()
	}
	until(t, "all flows are connected", func() bool { return s.Stats().Accepted == 2*pairs })
	s.road.set(b, true)
	close(kill)
	for range 2 * pairs {
		switch e := <-ends; {
		case e.name == "a" && (e.err != nil || e.n != 64*32<<10):
			t.Errorf("a flow of the other target ended after %d bytes: %v", e.n, e.err)
		case e.name == "b" && !wasReset(e.err):
			t.Errorf("a flow of the killed target ended after %d bytes as if it were whole: %v", e.n, e.err)
		}
	}
	until(t, "all flows are over", func() bool { return s.Stats().Flows == 0 })
}

// A client that stops reading keeps its own target waiting, and nobody else; after the idle time-out it is reset.
func TestAClientThatStopsReadingDisturbsNobodyAndIsReset(t *testing.T) {
	leaks(t)
	short := quick()
	short.IdleTimeout = 300 * time.Millisecond
	s := open(t, short)
	ended := make(chan error, 10)
	a := serve(t, func(c *net.TCPConn) {
		word := make([]byte, 1)
		if _, err := io.ReadFull(c, word); err != nil {
			return
		}
		if string(word) == "." {
			_, _ = c.Write(word)
			return
		}
		block := make([]byte, 1<<20)
		for {
			if _, err := c.Write(block); err != nil {
				ended <- err
				return
			}
		}
	})
	s.register(a)
	stalled := s.dial()
	_, _ = io.WriteString(stalled, "everything")
	for len(ended) == 0 {
		c := s.dial()
		_, _ = io.WriteString(c, ".")
		if got := read(t, c); got != "." {
			t.Fatalf("another client reads %q", got)
		}
		_ = c.Close()
	}
	if err := <-ended; !wasReset(err) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("the target saw %v", err)
	}
	isReset(t, stalled)
	until(t, "the flow is over", func() bool { return s.Stats().Flows == 0 })
}

var _ mooring.Group = (*front.Front)(nil)
