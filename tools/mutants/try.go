package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A verdict is what became of a mutant.
type verdict struct {
	mutant
	caught bool
	by     string // the promise that broke, or what happened instead
	took   time.Duration
}

func (v verdict) String() string {
	word := "caught"
	if !v.caught {
		word = "MISSED"
	}
	return fmt.Sprintf("%s  %-32s %6.1fs  %s\n        leaves out: %s", word, v.name, v.took.Seconds(), v.by, v.breaks)
}

var broke = regexp.MustCompile(`(?s)seed (\d+) broke:\n\s*([^\n]+)`)

// failure is how another test than that of the lives says that it noticed: the innermost that failed.
var failure = regexp.MustCompile(`(?s).*--- FAIL: (\S+)`)

// try switches a mutant on and lets it live. It is caught when a promise breaks; that it does not survive for other
// reasons is no catch.
func (c config) try(program string, m mutant) verdict {
	began := time.Now()
	out, err := c.live(program, m.name, m, 0, c.seeds)
	v := verdict{mutant: m, took: time.Since(began)}
	found, failed := broke.FindStringSubmatch(out), failure.FindStringSubmatch(out)
	seed := ""
	switch {
	case err == nil:
		v.by = fmt.Sprintf("nothing broke in %d lives", c.seeds)
		return v
	case found != nil:
		seed, v.by = found[1], "seed "+found[1]+": "+found[2]
	case m.test != usualTest && failed != nil && !strings.Contains(out, "panic:"):
		v.by = "by " + failed[1]
	default:
		v.by = "it failed, but no promise broke: " + last(out)
		return v
	}
	if v.caught = c.holdsWithout(program, m, seed); !v.caught {
		v.by = "this breaks although nothing is left out: " + v.by
	}
	return v
}

// holdsWithout tells whether nothing breaks in the same life, or in the same other test, while no mutant is switched on:
// else nothing is proved.
func (c config) holdsWithout(program string, m mutant, seed string) bool {
	if test := m.in + " " + m.test; m.test != usualTest {
		c.others.Lock()
		defer c.others.Unlock()
		if _, ok := c.passes[test]; !ok {
			_, err := c.live(program, "", m, 0, c.seeds)
			c.passes[test] = err == nil
		}
		return c.passes[test]
	}
	from, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return false
	}
	_, err = c.live(program, "", m, from, 1)
	return err == nil
}

// live runs a mutant's test with the mutant that is named switched on. Only the root's tests know of lives.
func (c config) live(program, on string, m mutant, from uint64, seeds int) (string, error) {
	args := []string{"-test.run", "^" + m.test + "$"}
	if m.in == "." {
		args = append(args, fmt.Sprint("-from=", from), fmt.Sprint("-seeds=", seeds), fmt.Sprint("-finder-seeds=", c.finderSeeds),
			fmt.Sprint("-span=", c.span), "-shrink=false")
	}
	lives := exec.Command(program, args...)
	lives.Dir, lives.Env = filepath.Join(c.root, m.in), append(os.Environ(), variable+"="+on)
	if c.jobs > 1 {
		lives.Env = append(lives.Env, "GOMAXPROCS=1", "GOGC=400") // a life leaves much behind, and there is memory
	}
	out, err := lives.CombinedOutput()
	return string(out), err
}

// last is the end of an output, which says what it died of.
func last(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}
