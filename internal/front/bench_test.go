package front_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"text/tabwriter"
)

// What is promised of the front beside haproxy. Memory and descriptors do not depend on how busy a machine is, so they
// fail the benchmark at these numbers. The speeds do: they are measured in turns, and of large transfers, of which there
// are few, the best ones are compared. What is missed is printed, but only who misses by more than slack fails.
const (
	idleConnections = 2500
	maxIdleBytes    = 25_000
	maxIdleFiles    = 6

	minLargeRatio = 1.0 // of throughputs
	maxAddedRatio = 1.5 // of what is added to the median of small requests
	slack         = 1.5
)

// What goes in one turn: transfer bytes, or so many small requests.
const (
	transfer     = 128 << 20
	keptRequests = 200
	newRequests  = 50
)

// BenchmarkBesideHaproxy measures a front and haproxy side by side, each in a process of its own, and prints a table.
func BenchmarkBesideHaproxy(b *testing.B) {
	var t table
	message := make([]byte, requestSize)
	b.Run("large-up", func(b *testing.B) {
		t.large(b, "large, to the target", func(w *way) error { return w.large(kindUp, transfer) })
	})
	b.Run("large-down", func(b *testing.B) {
		t.large(b, "large, from the target", func(w *way) error { return w.large(kindDown, transfer) })
	})
	b.Run("small-kept", func(b *testing.B) {
		t.small(b, "small, connection kept", func(w *way) error { return repeat(keptRequests, w.keptRequest, message) })
	})
	b.Run("small-new", func(b *testing.B) {
		t.small(b, "small, connection each", func(w *way) error { return repeat(newRequests, w.newRequest, message) })
	})
	b.Run("idle", t.idle)
	t.print()
}

func repeat(n int, request func([]byte) error, message []byte) error {
	for range n {
		if err := request(message); err != nil {
			return err
		}
	}
	return nil
}

// inTurns gives each way a turn in each round, so that what else the machine does meets all of them.
func inTurns(b *testing.B, turn func(*way) error) []*way {
	b.Helper()
	all := ways(b)
	for _, w := range all { // whatever is opened and allocated once
		if err := turn(w); err != nil {
			b.Fatalf("%s: %v", w.name, err)
		}
		w.took = w.took[:0]
	}
	order := slices.Clone(all)
	for b.Loop() {
		for _, w := range order {
			if err := turn(w); err != nil {
				b.Fatalf("%s: %v", w.name, err)
			}
		}
		order = append(order[1:], order[0]) // nobody always comes after the same one
	}
	b.ReportMetric(0, "ns/op") // of all turns together: it says nothing
	return all
}

// A row is one line of the table. Values are in the order direct, front, haproxy, haproxy splicing; 0 is not known.
type row struct {
	what, unit string
	values     []float64
	ratio      float64 // of the front to the better haproxy, or its value where there is a limit for that
	limit      string
	kept       bool
}

type table []row

// large compares throughputs.
func (t *table) large(b *testing.B, what string, turn func(*way) error) {
	r := row{what: what, unit: "GB/s", limit: fmt.Sprintf(">= %g", minLargeRatio)}
	for _, w := range inTurns(b, turn) {
		r.values = append(r.values, transfer/w.best().Seconds()/1e9)
		b.ReportMetric(r.values[len(r.values)-1], w.name+"-GB/s")
	}
	if len(r.values) > 2 {
		r.ratio = r.values[1] / slices.Max(r.values[2:])
		b.ReportMetric(r.ratio, "of-haproxy")
		if r.kept = r.ratio >= minLargeRatio; r.ratio < minLargeRatio/slack {
			b.Errorf("%s: %.2f of haproxy's throughput, want %g", what, r.ratio, minLargeRatio)
		}
	}
	*t = append(*t, r)
}

// small compares what is added to the direct way.
func (t *table) small(b *testing.B, what string, turn func(*way) error) {
	r := row{what: what, unit: "µs", limit: fmt.Sprintf("<= %g", maxAddedRatio)}
	for _, w := range inTurns(b, turn) {
		r.values = append(r.values, w.median().Seconds()*1e6)
		b.ReportMetric(r.values[len(r.values)-1], w.name+"-µs")
	}
	added := r.values[1] - r.values[0]
	b.ReportMetric(added, "added-µs")
	if len(r.values) > 2 {
		r.ratio = added / (slices.Min(r.values[2:]) - r.values[0])
		b.ReportMetric(r.ratio, "of-haproxy")
		if r.kept = r.ratio <= maxAddedRatio; r.ratio > maxAddedRatio*slack {
			b.Errorf("%s: the front adds %.2f times what haproxy adds, want at most %g", what, r.ratio, maxAddedRatio)
		}
	}
	*t = append(*t, r)
}

// idle measures once, however often it is called: connections hold the same however long one waits.
func (t *table) idle(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("what a process holds is read from /proc")
	}
	const memory, files = "idle, memory", "idle, descriptors"
	if t.row(memory) == nil {
		m, f := t.holds(b)
		*t = append(*t,
			row{what: memory, unit: "kB", values: m, ratio: m[1], limit: fmt.Sprintf("<= %g", maxIdleBytes/1e3), kept: m[1] <= maxIdleBytes/1e3},
			row{what: files, values: f, ratio: f[1], limit: fmt.Sprintf("<= %d", maxIdleFiles), kept: f[1] <= maxIdleFiles})
	}
	for _, r := range []*row{t.row(memory), t.row(files)} {
		if !r.kept {
			b.Errorf("%s: %.2f %s for each connection, want %s", r.what, r.ratio, r.unit, r.limit)
		}
	}
	b.ReportMetric(t.row(memory).ratio, "front-kB/conn")
	b.ReportMetric(t.row(files).ratio, "front-files/conn")
	b.ReportMetric(0, "ns/op")
}

// holds are kB and descriptors of each connection in the front, and then in haproxy.
func (t *table) holds(b *testing.B) (memory, files []float64) {
	b.Helper()
	memory, files = []float64{0}, []float64{0}
	all := ways(b)
	for _, w := range all[1:min(len(all), 3)] { // both ways through haproxy are one process
		bytes, n := w.idle(b)
		memory, files = append(memory, bytes/1e3), append(files, n)
	}
	return memory, files
}

func (t *table) row(what string) *row {
	for i := range *t {
		if (*t)[i].what == what {
			return &(*t)[i]
		}
	}
	return nil
}

// idle returns what each connection takes in the process of the way.
func (w *way) idle(b *testing.B) (bytes, files float64) {
	b.Helper()
	before, message := useOf(b, w.pid), make([]byte, requestSize)
	for range idleConnections {
		c, err := w.dial()
		if err != nil {
			b.Fatalf("%s: %v", w.name, err)
		}
		defer c.Close()
		if err := small(c, message); err != nil {
			b.Fatalf("%s: %v", w.name, err)
		}
	}
	after := useOf(b, w.pid)
	return float64(after.bytes-before.bytes) / idleConnections, float64(after.files-before.files) / idleConnections
}

func (t *table) print() {
	if _, err := exec.LookPath("haproxy"); err != nil {
		fmt.Println("haproxy is not installed: the front is compared with nobody")
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer func() { _ = out.Flush() }()
	fmt.Fprintf(out, "\nbeside haproxy %s\t\tdirect\tfront\thaproxy\tsplicing\tratio\tpromised\t\t\n", haproxyVersion())
	for _, r := range *t {
		fmt.Fprintf(out, "%s\t%s", r.what, r.unit)
		for i := range 4 {
			if i < len(r.values) && r.values[i] != 0 {
				fmt.Fprintf(out, "\t%.2f", r.values[i])
			} else {
				fmt.Fprint(out, "\t-")
			}
		}
		fmt.Fprintf(out, "\t%s\t%s\t%s\t\n", r.measured(), r.limit, r.verdict())
	}
}

func (r row) measured() string {
	if r.ratio == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", r.ratio)
}

func (r row) verdict() string {
	switch {
	case r.ratio == 0:
		return "not compared"
	case r.kept:
		return "kept"
	default:
		return "MISSED"
	}
}
