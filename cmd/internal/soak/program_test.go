//go:build linux

package soak_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"mooring/cmd/internal/rigtest"
)

// A program is one run of the built `mooring watch`.
type program struct {
	s    *soak
	name string
	cmd  *exec.Cmd
	over chan struct{}

	began   time.Time
	rounds  atomic.Int64
	paused  atomic.Bool
	end     atomic.Pointer[string] // what it was told to end by, and so how it must end; nil: it must not
	errs    bytes.Buffer
	samples []sample
}

// A sample is what a process holds at a time.
type sample struct{ descriptors, kilobytes int }

func (s *soak) startProgram(name string) *program {
	cmd := s.w.Command(s.t.Context(), s.env, "watch", "--hostname", rigtest.Name, "--port", strconv.Itoa(rigtest.Port),
		"--target-group", rigtest.ARN, "--memory", "s3://"+rigtest.Bucket, "--interval", "1s", "--hold", "2s", "--max-leave", "50%")
	p := &program{s: s, name: name, cmd: cmd, over: make(chan struct{}), began: time.Now()}
	cmd.Stderr = &p.errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := rigtest.Start(cmd); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(p.over)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if strings.Contains(lines.Text(), `"report":`) {
				p.rounds.Add(1)
			}
			if strings.Contains(lines.Text(), "panic") {
				s.violated("%s panicked: %s", name, lines.Text())
			}
		}
		p.ended(cmd.Wait())
	}()
	s.say("%s begins, process %d", name, cmd.Process.Pid)
	return p
}

// ended judges how it ended.
func (p *program) ended(err error) {
	if p.s.t.Context().Err() != nil {
		return
	}
	how, want := "nobody", "nobody told it to"
	if told := p.end.Load(); told != nil {
		how, want = *told, map[string]string{"SIGTERM": "exit status 0", "SIGKILL": "signal: killed"}[*told]
	}
	if got := p.cmd.ProcessState.String(); got != want {
		p.s.violated("%s ended with %s (%v) by %s, want %s\n%s", p.name, got, err, how, want, &p.errs)
	}
	p.s.say("%s has ended by %s after %d rounds", p.name, how, p.rounds.Load())
}

// stop ends it by a signal and waits for that.
func (p *program) stop(by syscall.Signal, name string) {
	p.end.Store(&name)
	p.signal(syscall.SIGCONT)
	p.signal(by)
	select {
	case <-p.over:
	case <-time.After(time.Minute):
		p.s.violated("%s does not end a minute after %s", p.name, name)
		p.signal(syscall.SIGKILL)
		<-p.over
	}
	p.s.rounds += p.rounds.Load()
}

func (p *program) signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

// look takes a sample, unless the process is paused or gone, or has only stood by so far, and so held little.
func (p *program) look() {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil || p.paused.Load() || p.rounds.Load() == 0 {
		return
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	if words := strings.Fields(rest); len(words) > 0 {
		kilobytes, _ := strconv.Atoi(words[0])
		p.samples = append(p.samples, sample{len(files), kilobytes})
	}
}

// Limits of what a program may hold, and of what may be added between the first third of its life and the last.
const (
	mostDescriptors, moreDescriptors = 100, 10
	mostKilobytes, moreKilobytes     = 120 << 10, 12 << 10
	enoughSamples                    = 90
)

// flat judges whether it holds no more the longer it lives.
func (p *program) flat() {
	if len(p.samples) == 0 {
		return
	}
	of := func(part []sample) (descriptors, kilobytes int) {
		d, k := []int{}, []int{}
		for _, one := range part {
			d, k = append(d, one.descriptors), append(k, one.kilobytes)
		}
		slices.Sort(d)
		slices.Sort(k)
		return d[len(d)/2], k[len(k)/2]
	}
	third := max(1, len(p.samples)/3)
	d1, k1 := of(p.samples[:third])
	d2, k2 := of(p.samples[len(p.samples)-third:])
	most := sample{}
	for _, one := range p.samples {
		most = sample{max(most.descriptors, one.descriptors), max(most.kilobytes, one.kilobytes)}
	}
	p.s.say("%s held at most %d descriptors and %d MB; median of the first third of its %d looks %d and %.1f MB, of the last %d and %.1f MB",
		p.name, most.descriptors, most.kilobytes>>10, len(p.samples), d1, float64(k1)/1024, d2, float64(k2)/1024)
	if most.descriptors > mostDescriptors || most.kilobytes > mostKilobytes {
		p.s.violated("%s held too much", p.name)
	}
	if len(p.samples) >= enoughSamples && (d2 > d1+moreDescriptors || k2 > k1+moreKilobytes) {
		p.s.violated("%s holds more the longer it lives", p.name)
	}
}
