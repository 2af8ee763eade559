package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A mutant is mooring with something left out.
type mutant struct {
	name   string
	breaks string // what it leaves out, for people
	test   string // who notices,
	in     string // and in which package
	edits  []edit
}

// An edit replaces some whole lines of a file. In the new ones, MUTANT is true while the mutant is switched on.
type edit struct {
	file     string
	old, new string
}

const usualTest = "TestSimulatedWorldsKeepEveryPromise"

// readAll reads every list.
func readAll(root string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(root, "testdata", "mutants", "*.txt"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no lists in testdata/mutants of %s: %w", root, err)
	}
	var all []mutant
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read list: %w", err)
		}
		some, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, m := range some {
			if names[m.name] {
				return nil, fmt.Errorf("%s: two mutants are named %s", file, m.name)
			}
			names[m.name] = true
		}
		all = append(all, some...)
	}
	return all, nil
}

// parse reads stanzas: mutant NAME, breaks WORDS, covers THINGS, file PATH, lines that begin with - and + , and test NAME, or
// test PACKAGE NAME where it is not the root's. A stanza ends at an empty line; lines that begin with # are for people.
func parse(text string) ([]mutant, error) {
	var all []mutant
	m := mutant{test: usualTest, in: "."}
	end := func() error {
		if m.name == "" && len(m.edits) == 0 {
			return nil
		}
		if m.name == "" || m.breaks == "" || len(m.edits) == 0 {
			return fmt.Errorf("a mutant needs a name, what it breaks and what it replaces: %+v", m)
		}
		for _, e := range m.edits {
			if e.file == "" || e.old == "" || !strings.Contains(e.new, "MUTANT") {
				return fmt.Errorf("%s: an edit needs a file, old lines, and new ones with MUTANT", m.name)
			}
		}
		all = append(all, m)
		m = mutant{test: usualTest, in: "."}
		return nil
	}
	for number, line := range strings.Split(text+"\n\n", "\n") {
		if err := m.take(line, end); err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
	}
	return all, nil
}

func (m *mutant) take(line string, end func() error) error {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case strings.TrimSpace(line) == "":
		return end()
	case strings.HasPrefix(line, "#"):
	case word == "mutant":
		m.name = rest
	case word == "breaks":
		m.breaks = rest
	case word == "covers": // the root's tests read it
	case word == "test":
		if in, test, ok := strings.Cut(rest, " "); ok {
			m.in, m.test = in, test
		} else {
			m.test = rest
		}
	case word == "file":
		m.edits = append(m.edits, edit{file: rest})
	case (word == "-" || word == "+") && len(m.edits) > 0:
		m.line(word, rest)
	default:
		return fmt.Errorf("cannot read %q", line)
	}
	return nil
}

// line adds a line to the edit at hand, or begins another one in the same file.
func (m *mutant) line(sign, text string) {
	e := &m.edits[len(m.edits)-1]
	switch {
	case sign == "+":
		e.new += text + "\n"
	case e.new != "":
		m.edits = append(m.edits, edit{file: e.file, old: text + "\n"})
	default:
		e.old += text + "\n"
	}
}
