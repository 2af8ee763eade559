// Package front is a group that is a load balancer itself: one TCP listener at a fixed address, in this process, whose
// flows go to the targets. It does what a Network Load Balancer does, as far as one machine can.
package front

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"mooring"
)

// Settings are the numbers of a front. [DefaultSettings] has the usual ones.
type Settings struct {
	HealthInterval time.Duration // between two health checks of one target
	HealthTimeout  time.Duration // for one to succeed
	Healthy        int           // successes in a row that make an unhealthy target healthy; a new one needs one
	Unhealthy      int           // failures in a row that make a target unhealthy
	DrainDelay     time.Duration // how long the flows of a target that left may go on
	IdleTimeout    time.Duration // without a byte in either direction, after which a flow is ended
	MaxFlows       int           // at a time; further ones are refused
}

// DefaultSettings have a Network Load Balancer's drain delay and idle time-out, and health checks more often than its:
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html#connection-idle-timeout
func DefaultSettings() Settings {
	return Settings{
		HealthInterval: 10 * time.Second, HealthTimeout: 5 * time.Second, Healthy: 3, Unhealthy: 2,
		DrainDelay: 300 * time.Second, IdleTimeout: 350 * time.Second, MaxFlows: 10_000,
	}
}

// A Config is what a front needs.
type Config struct {
	Listen   netip.AddrPort // port 0: a free one
	Settings Settings

	// Dial connects to a target by TCP; nil: as the system does.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	Log  *slog.Logger
}

// A Front listens at one address and passes flows on to its targets. It is a [mooring.Group].
type Front struct {
	limits   limits
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	log      *slog.Logger
	listener *net.TCPListener

	alive   context.Context // as long as flows may go on
	end     context.CancelFunc
	flowing sync.WaitGroup // flows
	working sync.WaitGroup // all else that runs
	begin   func()         // lets flows in
	begun   chan struct{}  // closed by it
	notes   chan func()    // to be logged

	mu       sync.Mutex
	settings Settings
	closed   bool
	targets  map[netip.AddrPort]*target
	flows    map[*flow]bool // accepted
	picks    uint64         // flows that were given to a target so far
	counts   counts
	told     map[string]time.Time // when what happens often was last logged
}

// limits are what nobody needs to configure.
type limits struct {
	// first is how long clients wait in the listener's queue for the first target of all. A process that was started anew
	// has it sooner, and its clients notice nothing.
	first time.Duration
	// connect is how long after its connection another target is tried for a client, each of them once.
	connect time.Duration
	// dial is how long one of them may take: long enough for one lost SYN (RFC 6298: a second).
	dial time.Duration
}

var usualLimits = limits{first: 10 * time.Second, connect: 10 * time.Second, dial: 3 * time.Second}

// flowsOf is how many flows fit into so many files.
func flowsOf(files uint64) int {
	if files <= otherFiles+filesPerFlow {
		return 1
	}
	return int(min((files-otherFiles)/filesPerFlow, math.MaxInt32))
}

// never is the time between keep-alives: the idle time-out does what they are for, and eight system calls a flow less.
const never = -1

// Listen opens a front without targets. [Front.Shutdown] closes it.
func Listen(c Config) (*Front, error) { return listen(c, usualLimits) }

func listen(c Config, l limits) (*Front, error) {
	network := "tcp"
	if c.Listen.Addr().Is4() {
		network = "tcp4" // the wildcard is no IPv6 address then
	}
	config := net.ListenConfig{KeepAlive: never}
	config.SetMultipathTCP(false) // what comes from such a connection cannot be spliced
	listener, err := config.Listen(context.Background(), network, c.Listen.String())
	if err != nil {
		return nil, fmt.Errorf("open the front: %w", err) // the address is in it
	}
	f := &Front{
		limits: l, dial: c.Dial, log: c.Log, listener: listener.(*net.TCPListener), begun: make(chan struct{}), notes: make(chan func(), 64),
		targets: map[netip.AddrPort]*target{}, flows: map[*flow]bool{}, told: map[string]time.Time{}, counts: counts{refused: map[string]uint64{}},
	}
	if f.dial == nil {
		f.dial = (&net.Dialer{KeepAlive: never}).DialContext
	}
	f.begin = sync.OnceFunc(func() { close(f.begun) })
	f.alive, f.end = context.WithCancel(context.Background())
	f.Set(c.Settings)
	here.opened(f)
	go f.writeNotes()
	f.working.Go(f.accept)
	f.working.Go(f.watchIdle)
	return f, nil
}

const (
	// filesPerFlow are two connections, and a pipe in each direction where the kernel copies.
	filesPerFlow = 6
	// otherFiles are kept free for the rounds, which are more important than one more flow.
	otherFiles = 200
)

// Addr is the fixed address.
func (f *Front) Addr() netip.AddrPort { return f.listener.Addr().(*net.TCPAddr).AddrPort() }

// Set changes the numbers of a front that runs. Timers that are under way end as they were begun.
func (f *Front) Set(s Settings) {
	if most := here.most(); s.MaxFlows > most {
		configured := s.MaxFlows
		f.note(func() {
			f.log.LogAttrs(f.alive, slog.LevelWarn, "fewer flows than configured: the process may not have more open files",
				slog.String("front", f.Addr().String()), slog.Int("configured", configured), slog.Int("flows", most))
		})
		s.MaxFlows = most
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settings = s
}

func (f *Front) numbers() Settings {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings
}

// Shutdown stops listening at once. The flows may end by themselves until the context ends, and at most as long as those
// of a target that left; the rest are reset. It returns how many were.
func (f *Front) Shutdown(ctx context.Context) (reset int) {
	f.mu.Lock()
	f.closed = true
	delay := f.settings.DrainDelay
	f.mu.Unlock()
	_ = f.listener.Close() // fails only when it was closed before
	here.closed(f)
	f.begin()

	over := make(chan struct{})
	go func() {
		defer close(over)
		f.flowing.Wait()
	}()
	late := time.NewTimer(delay)
	defer late.Stop()
	select {
	case <-over:
	case <-late.C:
	case <-ctx.Done():
	}
	f.end()
	for _, fl := range f.openFlows() {
		if fl.reset() {
			reset++
		}
	}
	<-over
	f.working.Wait()
	return reset
}

// note has something logged. Flows do not wait for a log that nobody reads: then it is dropped.
func (f *Front) note(log func()) {
	select {
	case f.notes <- log:
	default:
	}
}

// tellAgain is how long what happens often is not logged again.
const tellAgain = time.Minute

func (f *Front) noteOften(what string, log func()) {
	f.mu.Lock()
	now := time.Now()
	tell := f.told[what].IsZero() || now.Sub(f.told[what]) >= tellAgain
	if tell {
		f.told[what] = now
	}
	f.mu.Unlock()
	if tell {
		f.note(log)
	}
}

func (f *Front) writeNotes() {
	for {
		select {
		case log := <-f.notes:
			log()
		case <-f.alive.Done():
			return
		}
	}
}

// Targets returns all targets, draining ones too, sorted.
func (f *Front) Targets(context.Context) ([]mooring.Target, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.listed(), nil
}
