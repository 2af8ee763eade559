package demo

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"
)

var someNode = netip.MustParseAddr("10.0.0.1")

const atSomeNode = "10.0.0.1:443"

// serveOne starts a node that takes so long for a request.
func serveOne(t *testing.T, work time.Duration) *nodes {
	t.Helper()
	ns := newNodes(work)
	t.Cleanup(ns.close)
	n, err := ns.start(someNode)
	if err != nil {
		t.Fatal(err)
	}
	n.become(serving)
	return ns
}

func refused(t *testing.T, ns *nodes) {
	t.Helper()
	_, err := ns.Dial(t.Context(), "tcp", atSomeNode)
	var failure *net.OpError
	if !errors.As(err, &failure) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v; want a connection refused", err)
	}
}

func TestNodesRefuseConnectionsWhileTheyAreWarmingUnknownOrDead(t *testing.T) {
	ns := newNodes(time.Millisecond)
	t.Cleanup(ns.close)
	refused(t, ns) // nobody was ever there
	n, err := ns.start(someNode)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, ns)
	n.become(serving)
	if node, err := fetch(t.Context(), ns.Dial, atSomeNode, workPath); err != nil || node != someNode.String() {
		t.Errorf("%s, %v; want an answer of %s", node, err, someNode)
	}
	if !ns.stop(someNode) || ns.stop(someNode) {
		t.Error("a node dies once")
	}
	refused(t, ns)
	if again, err := ns.start(someNode); err != nil || again == n || ns.state(someNode) != warming {
		t.Errorf("%s, %v; want another node at the same address, warming", ns.state(someNode), err)
	}
}

func TestANodeThatDiesFinishesWhatItBegan(t *testing.T) {
	ns := serveOne(t, 200*time.Millisecond)
	conn, err := ns.Dial(t.Context(), "tcp", atSomeNode)
	if err != nil {
		t.Fatal(err)
	}
	ns.stop(someNode) // it may not even have seen the connection yet
	refusal := make(chan error, 1)
	go func() {
		_, err := ns.Dial(t.Context(), "tcp", atSomeNode)
		refusal <- err
	}()
	given := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	if _, err := fetch(t.Context(), given, atSomeNode, workPath); err != nil {
		t.Errorf("a request that was begun: %v", err)
	}
	if err := <-refusal; !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a connection after its death: %v", err)
	}
}

func TestOneRequestTooManyIsTurnedAwayAndALightOneIsNot(t *testing.T) {
	ns := serveOne(t, 300*time.Millisecond)
	var all sync.WaitGroup
	results := make(chan error, slots)
	for range slots {
		all.Go(func() {
			_, err := fetch(t.Context(), ns.Dial, atSomeNode, workPath)
			results <- err
		})
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ns.byAddr[someNode].busy.Load() < slots {
		<-tick.C
	}
	if node, err := fetch(t.Context(), ns.Dial, atSomeNode, workPath); err == nil || err.Error() != "status 503" || node != someNode.String() {
		t.Errorf("one too many: %s, %v", node, err)
	}
	if _, err := fetch(t.Context(), ns.Dial, atSomeNode, lightPath); err != nil {
		t.Errorf("a light one: %v", err)
	}
	all.Wait()
	for range slots {
		if err := <-results; err != nil {
			t.Errorf("as many as a node has slots: %v", err)
		}
	}
}
