package demo

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"mooring"
)

// A Config says how to play. With a speed and nothing else it plays mooring's own story once.
type Config struct {
	Story string        // a live story (see [Language]); "": mooring's own
	Speed float64       // how much faster the story's time runs than the wall's, MinSpeed to MaxSpeed
	Seed  uint64        // of the name servers' choice of addresses
	For   time.Duration // of wall time: a longer story is cut, a shorter one played again; 0: one play

	Tell func(Event)   // of each thing that happens, one at a time; nil: nobody
	Stop bool          // end at the first request through the fixed address that fails
	Work time.Duration // that a node has with a request, in wall time; 0: 150ms

	// Decide is the keeper's; nil: [mooring.Decide]. A test leaves guards out.
	Decide func(mooring.Policy, mooring.Memory, mooring.Observation, mooring.Holding, time.Time) mooring.Plan
}

// The speeds. A faster story would be one about the machine that it is played on.
const (
	MinSpeed   = 1
	MaxSpeed   = 120
	UsualSpeed = 60
)

// An Event is something that happened.
type Event struct {
	At      time.Duration // in the story's time
	Chapter bool          // a new chapter begins, and this is its text
	Text    string        // without the time, on one line
}

// A Demo plays a story once. It is safe for concurrent use.
type Demo struct {
	c             Config
	story         story
	front, pinned *counter
	cancel        context.CancelFunc // ends the play

	telling sync.Mutex

	mu       sync.Mutex
	began    time.Time
	ended    time.Time
	stage    *stage
	snapshot Snapshot // what is not read from the stage
	notes    map[netip.Addr]string
	held     map[string]bool // what the last round held back, in words
	missing  span
	stale    span

	answering, asked int // of the addresses that were pinned, at the end of the last play
}

// New reads the story. Run plays it.
func New(c Config) (*Demo, error) {
	if !(c.Speed >= MinSpeed && c.Speed <= MaxSpeed) { // what is no number is neither
		return nil, fmt.Errorf("speed %v: want %d to %d", c.Speed, MinSpeed, MaxSpeed)
	}
	if c.For < 0 {
		return nil, fmt.Errorf("for %s: want a duration above 0", c.For)
	}
	if c.Story == "" {
		c.Story = mooring.DemoStory
	}
	if c.Decide == nil {
		c.Decide = mooring.Decide
	}
	if c.Work == 0 {
		c.Work = usualWork
	}
	s, err := parseStory(c.Story)
	if err != nil {
		return nil, err
	}
	d := &Demo{c: c, story: s, cancel: func() {}}
	d.snapshot = Snapshot{Name: hostname, Speed: c.Speed, Steps: s.chapters}
	d.front = &counter{chapter: d.chapter, failed: d.frontFailed}
	d.pinned = &counter{chapter: d.chapter, failed: func(f Failure) { d.say("the client that pinned addresses fails: %s at %s", f.What, f.Node) }}
	return d, nil
}

// Run plays the story until it is over, its time is, or the context ends, and clears everything away. An error says that
// it could not be played; requests that failed are in the summary. A demo runs once.
func (d *Demo) Run(ctx context.Context) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.mu.Lock()
	if !d.began.IsZero() {
		d.mu.Unlock()
		return Summary{}, errors.New("this demo was played before")
	}
	d.began, d.cancel = time.Now(), cancel
	d.mu.Unlock()
	if d.c.For > 0 {
		// Not by a deadline: rounds would do nothing in the last seconds before it.
		defer time.AfterFunc(d.c.For, cancel).Stop()
	}
	err := d.play(ctx)
	for err == nil && ctx.Err() == nil && d.c.For > 0 {
		d.say("the story begins again")
		err = d.play(ctx)
	}
	d.mu.Lock()
	d.ended = time.Now()
	d.snapshot.Done = true
	d.mu.Unlock()
	return d.summary(), err
}

// play plays the story once, on a stage of its own.
func (d *Demo) play(ctx context.Context) error {
	s, err := d.open()
	if err != nil {
		return err
	}
	defer s.close()
	defer d.keep(s)
	return s.run(ctx)
}

// scaled is a duration of the story in wall time.
func (d *Demo) scaled(of time.Duration) time.Duration {
	return max(time.Millisecond, time.Duration(float64(of)/d.c.Speed))
}

// storyTime is what a duration of the wall's is in the story.
func (d *Demo) storyTime(of time.Duration) time.Duration {
	return time.Duration(float64(of) * d.c.Speed)
}

func (d *Demo) elapsed() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.elapsedLocked()
}

func (d *Demo) elapsedLocked() time.Duration {
	switch {
	case d.began.IsZero():
		return 0
	case d.ended.IsZero():
		return time.Since(d.began)
	default:
		return d.ended.Sub(d.began)
	}
}

// now is the story's time since its beginning.
func (d *Demo) now() time.Duration { return d.storyTime(d.elapsed()) }

func (d *Demo) chapter() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.snapshot.Step
}

// fixed is where the front is to listen: where it was.
func (d *Demo) fixed() netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, err := netip.ParseAddrPort(d.snapshot.Fixed); err == nil {
		return at
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)
}

func (d *Demo) opened(s *stage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stage = s
	d.snapshot.Fixed = s.front.Addr().String()
	d.held, d.notes, d.snapshot.Doubt = nil, nil, ""
}

func (d *Demo) say(format string, args ...any) {
	d.tell(Event{Text: fmt.Sprintf(format, args...)})
}

// tell tells of one event at a time, in the order of their times.
func (d *Demo) tell(e Event) {
	if d.c.Tell == nil {
		return
	}
	d.telling.Lock()
	defer d.telling.Unlock()
	e.At = d.now()
	d.c.Tell(e)
}

// frontFailed is told of the first request through the fixed address that failed.
func (d *Demo) frontFailed(f Failure) {
	d.say("A REQUEST THROUGH THE FIXED ADDRESS FAILED: %s", f)
	if d.c.Stop {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.cancel()
	}
}
