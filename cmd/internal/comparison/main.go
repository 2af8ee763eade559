// Command comparison lets the functions that mooring replaces and mooring itself keep the same simulated names, and
// writes what became of their groups: docs/comparison.md and its charts. The same sources write the same bytes.
//
// Usage: comparison [-out DIR] [-workers N] [-times N]
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "comparison:", err)
		os.Exit(1)
	}
}

func run(args []string, progress io.Writer) error {
	flags := flag.NewFlagSet("comparison", flag.ContinueOnError)
	out := flags.String("out", "docs", "`directory` to write to")
	workers := flags.Int("workers", runtime.NumCPU(), "how many contests are lived at the same `time`")
	times := flags.Int("times", 1, "`how` many times longer than usual the names live that never change")
	if err := flags.Parse(args); err != nil {
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
