// Command comparison lets the functions that mooring replaces and mooring itself keep the same simulated names, and
// writes what became of their groups: docs/comparison.md, its charts and what was counted. The same sources write the same
// bytes.
//
// Usage: comparison [-out DIR] [-workers N] [-times N]
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "comparison:", err)
		os.Exit(1)
	}
}

// run tells of its progress, and how it is used to those who ask.
func run(args []string, answer, progress io.Writer) error {
	flags := flag.NewFlagSet("comparison", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	out := flags.String("out", "docs", "`directory` to write to")
	workers := flags.Int("workers", runtime.NumCPU(), "`number` of contests that are lived at the same time")
	times := flags.Int("times", 1, "`number` of times longer than usual that the names live that never change")
	usage := func(w io.Writer) {
		_, _ = fmt.Fprintln(w, "Usage: comparison [-out DIR] [-workers N] [-times N]")
		flags.SetOutput(w)
		flags.PrintDefaults()
	}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		usage(answer)
		return nil
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("no arguments are taken, and %q is one", flags.Arg(0))
	}
	if err != nil {
		usage(progress)
		return err
	}
	debug.SetGCPercent(400) // worlds are small and short
	s := newStudy(max(1, *times))
	if err := s.live(max(1, *workers), progress); err != nil {
		return err
	}
	files, err := s.render()
	if err != nil {
		return err
	}
	return write(*out, files)
}

// write writes the files, by their names below a directory, where they differ.
func write(dir string, files map[string][]byte) error {
	for name, body := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, body) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("make the directory of %s: %w", name, err)
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
