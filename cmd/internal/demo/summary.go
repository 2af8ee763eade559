package demo

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// A Summary is what came of a demo. Times are the wall's, in milliseconds.
type Summary struct {
	Changes        int   `json:"changes"` // of the set of addresses that the name shows
	Rounds         int   `json:"rounds"`
	Front          Tally `json:"front"`              // requests through the fixed address
	Pinned         Tally `json:"pinned"`             // requests to the first addresses
	LongestMissing int64 `json:"longest_missing_ms"` // that an address in DNS which served was not registered
	LongestStale   int64 `json:"longest_stale_ms"`   // that an address which no longer served was registered

	Elapsed time.Duration `json:"-"` // wall time
	Clock   time.Duration `json:"-"` // and the story's
	First   *Failure      `json:"-"` // the first request through the fixed address that failed
	fixed   string

	answering, asked int // of the pinned addresses, at the end
}

func (d *Demo) summary() Summary {
	s := d.Snapshot()
	_, first := d.front.get()
	d.mu.Lock()
	defer d.mu.Unlock()
	return Summary{
		Changes: s.Changes, Rounds: s.Rounds, Front: s.Front, Pinned: s.Pinned,
		LongestMissing: s.LongestMissing.Milliseconds(), LongestStale: s.LongestStale.Milliseconds(),
		Elapsed: s.Elapsed, Clock: s.Clock, First: first, fixed: s.Fixed, answering: d.answering, asked: d.asked,
	}
}

// Err says why the demo did not show what it is to show: nil when requests went through the fixed address, and each of
// them was answered.
func (s Summary) Err() error {
	switch {
	case s.First != nil:
		return fmt.Errorf("%d of %d requests through the fixed address failed, the first %s", s.Front.Failures, s.Front.Requests, *s.First)
	case s.Front.Requests == 0:
		return errors.New("no request went through the fixed address")
	default:
		return nil
	}
}

// Text tells it in words.
func (s Summary) Text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "In %s of the story (%s by the wall) the addresses in DNS changed %s, and mooring ran %d rounds.\n",
		words(s.Clock), s.Elapsed.Round(100*time.Millisecond), howOften(s.Changes), s.Rounds)
	fmt.Fprintf(&out, "Through the fixed address %s: %s", s.fixed, s.Front)
	if s.Front.Requests > 0 && s.Front.Failures == 0 {
		fmt.Fprint(&out, " (a node that dies finishes what it has begun)")
	}
	fmt.Fprintf(&out, ".\nThrough the first addresses, pinned: %s.\n", s.Pinned)
	if s.LongestMissing > 0 {
		fmt.Fprintf(&out, "A node that DNS showed was registered within %s.\n", s.inStory(s.LongestMissing))
	}
	if s.LongestStale > 0 {
		fmt.Fprintf(&out, "One that no longer served stayed registered for %s at the longest.\n", s.inStory(s.LongestStale))
	}
	if s.Err() == nil && s.Pinned.Failures > 0 {
		fmt.Fprintf(&out, "Whoever knows the fixed address noticed nothing. %s\n", s.lost())
	}
	return out.String()
}

// lost says what is left to whoever pinned the first addresses.
func (s Summary) lost() string {
	if s.asked > 0 && s.answering == 0 {
		return "Whoever pinned what DNS showed at first has lost the service."
	}
	return fmt.Sprintf("Of the %d addresses that were pinned, %d still answered at the end.", s.asked, s.answering)
}

// String is the tally in words.
func (t Tally) String() string {
	if t.Requests == 0 {
		return "no request"
	}
	return fmt.Sprintf("%s requests, %s failed", thousands(t.Requests), none(t.Failures))
}

func (s Summary) inStory(ms int64) string {
	wall := time.Duration(ms) * time.Millisecond
	if s.Elapsed <= 0 {
		return words(wall)
	}
	return words(time.Duration(float64(wall) * float64(s.Clock) / float64(s.Elapsed)))
}

func none(n int) string {
	if n == 0 {
		return "none"
	}
	return thousands(n)
}

func howOften(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Plain tells each event on a line of its own.
func Plain(w io.Writer) func(Event) {
	return func(e Event) {
		format := "%s  %s\n"
		if e.Chapter {
			format = "%s  # %s\n"
		}
		fmt.Fprintf(w, format, clock(e.At), e.Text)
	}
}
