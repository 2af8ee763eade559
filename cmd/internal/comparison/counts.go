package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// countsName is the file of what was counted, below docs.
const countsName = "comparison/counts.json"

// A count is an outcome and its place, as it is written.
type count struct {
	Section, Row, Who string
	outcome
}

// counts writes all outcomes, one a line, so that they can be compared and drawn again without living them.
func (s *study) counts() ([]byte, error) {
	var out bytes.Buffer
	for i, j := range s.jobs {
		line, err := json.Marshal(count{j.section, j.row, j.who, *s.outcomes[j.place]})
		if err != nil {
			return nil, fmt.Errorf("write what was counted of %s, %s, %s: %w", j.section, j.row, j.who, err)
		}
		out.WriteString([]string{"[\n", ",\n"}[min(i, 1)])
		out.Write(line)
	}
	out.WriteString("\n]\n")
	return out.Bytes(), nil
}

// recall reads outcomes that were written, and holds them to the contests of this study.
func (s *study) recall(written []byte) error {
	var all []count
	if err := json.Unmarshal(written, &all); err != nil {
		return fmt.Errorf("read what was counted: %w", err)
	}
	var errs []error
	for _, c := range all {
		p := place{c.Section, c.Row, c.Who}
		if !slices.ContainsFunc(s.jobs, func(j job) bool { return j.place == p }) {
			errs = append(errs, fmt.Errorf("%s, %s, %s: nobody lives there", c.Section, c.Row, c.Who))
		}
		s.outcomes[p] = &c.outcome
	}
	for _, j := range s.jobs {
		o, minutes := s.outcomes[j.place], 0
		for _, c := range j.contests {
			minutes += c.Minutes
		}
		if o == nil || o.Minutes != minutes || o.Lives != len(j.contests) {
			errs = append(errs, fmt.Errorf("%s, %s, %s: not %d lives of %d minutes together", j.section, j.row, j.who, len(j.contests), minutes))
		}
	}
	return errors.Join(errs...)
}
