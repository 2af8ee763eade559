package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// A Fault is one thing that is wrong with a configuration.
type Fault struct {
	Where string // the flag, or the variable; both where neither was set; of a file FILE:LINE:COL: BINDING: KEY
	Value string
	Err   error

	line, col int // in a file
	inFile    bool
}

// InFile tells a fault of the configuration file's text from one of a flag or a variable.
func (f *Fault) InFile() bool { return f.inFile }

func (f *Fault) Error() string {
	switch {
	case f.Value == "":
		return f.Where + ": " + f.Err.Error()
	case f.line > 0:
		return fmt.Sprintf("%s: %v, not %q", f.Where, f.Err, shortened(f.Value))
	default:
		return fmt.Sprintf("%s %q: %v", f.Where, shortened(f.Value), f.Err)
	}
}

func (f *Fault) Unwrap() error { return f.Err }

// shortened keeps a fault to a line or two, whatever was written.
func shortened(v string) string {
	const most = 200
	if len(v) <= most {
		return v
	}
	end := most
	for end > 0 && !utf8.RuneStart(v[end]) {
		end--
	}
	return v[:end] + "…"
}

// A place is where something was set: a flag, a variable, or a key of a file's section.
type place struct {
	name      string   // the flag, the variable or the key; "": the section itself
	in        *section // nil outside a file
	line, col int
}

func (p place) String() string {
	if p.in == nil {
		return p.name
	}
	text := p.in.file
	if p.line > 0 {
		text = fmt.Sprintf("%s:%d", text, p.line)
	}
	if p.col > 0 {
		text = fmt.Sprintf("%s:%d", text, p.col)
	}
	for _, part := range []string{p.in.path, p.name} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

var errMore = errors.New("and perhaps more: these are enough for once")

// maxFaults is how many faults are told. A file of a megabyte can hold far more than anybody reads, and finding them
// takes long.
const maxFaults = 1000

// faults collects what is wrong, each thing once.
type faults struct {
	list []*Fault
	seen map[string]bool
}

func (f *faults) full() bool { return len(f.list) == maxFaults }

func (f *faults) add(at place, value string, err error) {
	if f.full() {
		return
	}
	fault := &Fault{Where: at.String(), Value: value, Err: err, line: at.line, col: at.col, inFile: at.in != nil}
	text := fault.Error()
	if f.seen[text] {
		return
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[text] = true
	f.list = append(f.list, fault)
}

// err joins the faults: those outside the file as they were found, then the file's from its top.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b *Fault) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col)) })
	all := make([]error, 0, len(f.list)+1)
	for _, fault := range f.list {
		all = append(all, fault)
	}
	if f.full() {
		all = append(all, errMore)
	}
	return errors.Join(all...)
}
