package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mooring/cmd/internal/transcript"
)

// outFolder is within the stack's folder.
const outFolder = "out"

// write puts transcript.jsonl, report.json and report.txt into a new folder within the stack's folder "out".
func (m machine) write(w *walk, source string, verdicts []verdict) error {
	head := w.head(source)
	text := table(head, verdicts)
	fmt.Fprint(m.out, "\n", text)
	folder, err := newFolder(filepath.Join(m.folder, outFolder), m.clock.Now())
	if err != nil {
		return fmt.Errorf("write down what was seen: %w", err)
	}
	err = errors.Join(
		writeNew(filepath.Join(folder, "report.txt"), []byte(text)),
		writeNew(filepath.Join(folder, "report.json"), reportOf(head, verdicts)),
		writeTranscript(filepath.Join(folder, "transcript.jsonl"), head, w.tape.Entries()),
	)
	if err != nil {
		return fmt.Errorf("write down what was seen: %w", err)
	}
	fmt.Fprintf(m.out, "written: %s\n", folder)
	return nil
}

// newFolder makes one that is named by the time, so that no run takes the place of another's.
func newFolder(in string, at time.Time) (string, error) {
	if err := os.MkdirAll(in, 0o700); err != nil {
		return "", err
	}
	name := filepath.Join(in, at.UTC().Format("20060102T150405Z"))
	folder, err := name, os.Mkdir(name, 0o700)
	for n := 2; errors.Is(err, os.ErrExist) && n < 100; n++ { // within a second
		folder = fmt.Sprintf("%s-%02d", name, n)
		err = os.Mkdir(folder, 0o700)
	}
	return folder, err
}

// writable makes a folder, and tells whether others can be made in it.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	probe, err := os.MkdirTemp(folder, "probe")
	if err != nil {
		return err
	}
	return os.Remove(probe)
}

func writeTranscript(path string, head transcript.Head, entries []transcript.Entry) error {
	var text bytes.Buffer
	return errors.Join(transcript.Write(&text, head, entries), writeNew(path, text.Bytes()))
}
