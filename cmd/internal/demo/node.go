package demo

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	slots     = 8                      // requests that a node serves at once; it has no time for more
	usualWork = 150 * time.Millisecond // that one takes

	workPath  = "/"      // takes a slot
	lightPath = "/light" // takes none
	nodeName  = "Mooring-Node"
)

// A nodeState is what becomes of a connection to a node.
type nodeState string

const (
	warming nodeState = "warming" // refused: it does not serve yet
	serving nodeState = "serving"
	dead    nodeState = "dead" // refused: it does not serve any more
)

// A node is one address of the load balancer: an HTTP server on a free port of loopback.
type node struct {
	addr   netip.Addr
	listen string
	work   time.Duration
	server *http.Server
	busy   atomic.Int64

	mu     sync.Mutex
	state  nodeState
	dialed int           // connections begun
	closed int           // and ended
	idle   chan struct{} // closed when it is dead, and none is left
}

// newNode starts a node that refuses connections until it serves.
func newNode(addr netip.Addr, work time.Duration) (*node, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &node{addr: addr, listen: listener.Addr().String(), work: work, state: warming, idle: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc(workPath, n.serve)
	mux.HandleFunc(lightPath, n.light)
	n.server = &http.Server{
		Handler: mux, ReadTimeout: requestTime, WriteTimeout: requestTime,
		ErrorLog: log.New(io.Discard, "", 0), ConnState: n.connection,
	}
	n.server.SetKeepAlivesEnabled(false)
	go func() { _ = n.server.Serve(listener) }() // it fails when it is closed, which is how it ends
	return n, nil
}

// serve is a request that takes its time. One too many is turned away at once: that is what shows that too few nodes
// are left.
func (n *node) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(nodeName, n.addr.String())
	defer n.busy.Add(-1)
	if n.busy.Add(1) > slots {
		http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
		return
	}
	timer := time.NewTimer(n.work)
	defer timer.Stop()
	select {
	case <-timer.C:
		_, _ = io.WriteString(w, "done\n") // the client may have gone
	case <-r.Context().Done():
	}
}

func (n *node) light(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set(nodeName, n.addr.String())
	_, _ = io.WriteString(w, "here\n") // the client may have gone
}

// begin counts a connection that is about to be made; false where it is refused.
func (n *node) begin() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state != serving {
		return false
	}
	n.dialed++
	return true
}

func (n *node) connection(_ net.Conn, s http.ConnState) {
	if s == http.StateClosed {
		n.ended()
	}
}

func (n *node) ended() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed++
	n.rest()
}

// rest tells whoever waits for it that a dead node has no connection left.
func (n *node) rest() {
	if n.state != dead || n.closed < n.dialed {
		return
	}
	select {
	case <-n.idle:
	default:
		close(n.idle)
	}
}

func (n *node) become(s nodeState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state != dead {
		n.state = s
	}
	n.rest()
}

func (n *node) is() nodeState {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

// nodes are all nodes that ever were, the latest of each address.
type nodes struct {
	work time.Duration

	mu     sync.Mutex
	byAddr map[netip.Addr]*node
	all    sync.WaitGroup // nodes that end
	done   chan struct{}
}

func newNodes(work time.Duration) *nodes {
	return &nodes{work: work, byAddr: map[netip.Addr]*node{}, done: make(chan struct{})}
}

// start starts a node at an address, unless one is there that is not dead.
func (ns *nodes) start(addr netip.Addr) (*node, error) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if old := ns.byAddr[addr]; old != nil && old.is() != dead {
		return old, nil
	}
	n, err := newNode(addr, ns.work)
	if err != nil {
		return nil, err
	}
	ns.byAddr[addr] = n
	return n, nil
}

// stop lets a node die: from this instant it refuses connections. Requests that were begun are finished, so that nothing
// depends on who is faster. It tells whether there was one that lived.
func (ns *nodes) stop(addr netip.Addr) bool {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	n := ns.byAddr[addr]
	if n == nil || n.is() == dead {
		return false
	}
	n.become(dead)
	ns.all.Go(func() {
		select {
		case <-n.idle:
		case <-ns.done:
		}
		_ = n.server.Close() // nothing is left to be flushed
	})
	return true
}

// close ends all nodes, whatever they do.
func (ns *nodes) close() {
	ns.mu.Lock()
	left := ns.byAddr
	ns.byAddr = map[netip.Addr]*node{}
	ns.mu.Unlock()
	close(ns.done)
	for _, n := range left {
		n.become(dead)
		_ = n.server.Close() // nothing is left to be flushed
	}
	ns.all.Wait()
}

func (ns *nodes) state(addr netip.Addr) nodeState {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if n := ns.byAddr[addr]; n != nil {
		return n.is()
	}
	return ""
}

// addrs returns the addresses of the nodes in this state, sorted.
func (ns *nodes) addrs(state nodeState) (out []netip.Addr) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	for addr, n := range ns.byAddr {
		if n.is() == state {
			out = append(out, addr)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// Dial connects to the node at an address of the story, wherever it really listens.
func (ns *nodes) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	want, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	ns.mu.Lock()
	n := ns.byAddr[want.Addr()]
	ns.mu.Unlock()
	if n == nil || !n.begin() {
		return nil, ns.refuse(ctx, n, network, want)
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, n.listen)
	if err != nil {
		n.ended()
	}
	return conn, err
}

// refuse says no as soon as a dying node has finished what it began. A front cuts the flows of a target that refuses its
// health checks, and what is finished cannot be cut.
func (ns *nodes) refuse(ctx context.Context, n *node, network string, want netip.AddrPort) error {
	why := os.NewSyscallError("connect", syscall.ECONNREFUSED)
	if n != nil && n.is() == dead {
		select {
		case <-n.idle:
		case <-ns.done:
		case <-ctx.Done():
			why = ctx.Err()
		}
	}
	return &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(want), Err: why}
}
