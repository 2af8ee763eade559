// Command mutants proves the proof: it leaves one guard or one step of mooring out at a time, and the simulated worlds
// must notice.
//
// Usage: mutants [-list DIR] [-run NAME] [-seeds N] [-span DURATION] [-jobs N] ROOT
//
// The mutants are in ROOT/testdata/mutants/*.txt. All of them are built into the test programs with `go test -overlay`,
// so that no file of the tree changes, and one is switched on in each run of it. A mutant is caught when a promise
// breaks within so many lives. It exits 1 when one is not.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"sync"
	"time"
)

func main() {
	c := config{others: &sync.Mutex{}, passes: map[string]bool{}}
	only := flag.String("run", "", "only the mutants whose names match this expression")
	flag.IntVar(&c.seeds, "seeds", 400, "lives in which a mutant must be caught")
	flag.IntVar(&c.finderSeeds, "finder-seeds", 300, "and in which one of the Finder must be")
	flag.DurationVar(&c.span, "span", 3*time.Hour, "how long each is troubled")
	flag.IntVar(&c.jobs, "jobs", runtime.NumCPU(), "mutants that run at the same time")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: mutants [flags] ROOT")
		os.Exit(2)
	}
	c.root = flag.Arg(0)
	if err := run(c, *only); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

type config struct {
	root  string
	seeds int
	span  time.Duration
	jobs  int

	finderSeeds int
	others      *sync.Mutex     // guards passes
	passes      map[string]bool // whether another test passes where no mutant is switched on
}

func run(c config, only string) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	all, err := readAll(c.root)
	if err != nil {
		return err
	}
	programs, clean, err := build(c, all)
	if err != nil {
		return err
	}
	defer clean()
	var some []mutant
	for _, m := range all {
		if wanted.MatchString(m.name) {
			some = append(some, m)
		}
	}
	return judge(c, programs, some)
}

// judge runs the mutants, several at the same time, and tells of each as it is caught or not.
func judge(c config, programs map[string]string, mutants []mutant) error {
	var mu sync.Mutex
	var all sync.WaitGroup
	queue, missed := make(chan mutant), 0
	for range c.jobs {
		all.Go(func() {
			for m := range queue {
				v := c.try(programs[m.in], m)
				mu.Lock()
				fmt.Println(v)
				if !v.caught {
					missed++
				}
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	for _, m := range mutants {
		queue <- m
	}
	close(queue)
	all.Wait()
	fmt.Printf("%d of %d mutants were caught, in %s\n", len(mutants)-missed, len(mutants), time.Since(began).Round(time.Second))
	if missed > 0 {
		return fmt.Errorf("%d were not", missed)
	}
	return nil
}
