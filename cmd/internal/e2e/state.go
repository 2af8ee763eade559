package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What the folder has of a stack, from before the first thing is built until nothing of it is left.
const (
	stateFile = "terraform.tfstate"
	placeFile = "built.json" // a place
)

// lockFile stays: only the lock on it means something, and that goes with the process that has it.
const lockFile = "run.lock"

var errHeld = errors.New("another e2e is at work in this folder; wait for its end")

// hold keeps others from the folder until it is released. Two at the same time could tear down, or forget, what the other
// one is building.
func (t terraform) hold() (release func(), err error) {
	f, err := os.OpenFile(t.path(lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", errHeld, f.Name(), err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// A place is where a stack was built. Elsewhere nothing of it would be found, and it would seem to be gone.
type place struct {
	Account string `json:"account"`
	Region  string `json:"region"`
}

func (p place) String() string { return fmt.Sprintf("account %s, Region %s", p.Account, p.Region) }

var (
	errBegun = errors.New("an earlier run may have left something: make e2e-down first")
	errPlace = errors.New("what was built is not where these settings lead")
	errFiles = errors.New("these files could change what is built and what it costs")
)

func (t terraform) path(name string) string { return filepath.Join(t.folder, name) }

func (t terraform) place() place { return place{t.consent.account, t.consent.region} }

// begin writes down where is built. Of several runs at the same time one succeeds.
func (t terraform) begin() error {
	text, err := json.Marshal(t.place())
	if err != nil {
		return err
	}
	return writeNew(t.path(placeFile), append(text, '\n'))
}

// begun tells whether building was begun, and so whether there may be something to tear down. It is an error where it was
// begun in another place, or where nobody knows in which.
func (t terraform) begun() (bool, error) {
	text, err := os.ReadFile(t.path(placeFile))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(t.path(stateFile)); errors.Is(err, os.ErrNotExist) {
			return false, nil
		}
		return true, fmt.Errorf("%w: %s has no %s beside it; where you know them, write {\"account\": \"…\", \"region\": \"…\"} into it",
			errPlace, t.path(stateFile), placeFile)
	}
	if err != nil {
		return true, err
	}
	var was place
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&was); err != nil {
		return true, fmt.Errorf("%w: %s: %w", errPlace, t.path(placeFile), err)
	}
	if was != t.place() {
		return true, fmt.Errorf("%w: %s says %s; MOORING_E2E_ACCOUNT and AWS_REGION say %s", errPlace, t.path(placeFile), was, t.place())
	}
	return true, nil
}

// forget removes what is known of a stack that is gone; last of all that it was begun.
func (t terraform) forget() error {
	for _, name := range []string{stateFile, stateFile + ".backup", placeFile} {
		if err := os.Remove(t.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// pristine is an error where the folder has files that Terraform or OpenTofu would read, and the stack has not: variables
// of somebody's own, overrides, further resources.
func (t terraform) pristine() error {
	entries, err := os.ReadDir(t.folder)
	if err != nil {
		return err
	}
	var odd []string
	for _, e := range entries {
		if foreign(e.Name()) {
			odd = append(odd, t.path(e.Name()))
		}
	}
	if len(odd) > 0 {
		return fmt.Errorf("%w: move them away: %s", errFiles, strings.Join(odd, ", "))
	}
	return nil
}

func foreign(name string) bool {
	if slices.Contains([]string{"main.tf", "outputs.tf", "variables.tf", "versions.tf"}, name) {
		return false
	}
	read := func(ending string) bool { return strings.HasSuffix(strings.TrimSuffix(name, ".json"), ending) }
	return strings.Contains(name, ".tfvars") || slices.ContainsFunc([]string{".tf", ".tofu"}, read)
}

// writeNew writes a file that nobody else may read, and that must not be there yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
