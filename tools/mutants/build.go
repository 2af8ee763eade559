package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// variable names the mutant that is switched on.
const variable = "MOORING_MUTANT"

// What each package that has a mutant is given by the overlay.
const (
	switchName = "mutant_overlay.go"
	switchFile = "package %s\n\nimport \"os\"\n\nvar mutantOn = os.Getenv(%q)\n\nfunc mutant(name string) bool { return mutantOn == name }\n"
)

// build compiles the tests of each package that notices some mutant, with all mutants in them, none of which is switched on.
func build(c config, mutants []mutant) (programs map[string]string, clean func(), err error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, nil, fmt.Errorf("make a place to build: %w", err)
	}
	clean = func() { _ = os.RemoveAll(dir) }
	root, err := filepath.Abs(c.root)
	if err != nil {
		return nil, clean, fmt.Errorf("find root: %w", err)
	}
	overlay, err := write(dir, root, mutants)
	if err != nil {
		clean()
		return nil, nil, err
	}
	programs = map[string]string{}
	for _, m := range mutants {
		if programs[m.in] != "" {
			continue
		}
		programs[m.in] = filepath.Join(dir, fmt.Sprintf("mutants-%d.test", len(programs)))
		build := exec.Command("go", "test", "-c", "-trimpath", "-overlay", overlay, "-o", programs[m.in], "./"+m.in)
		build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			clean()
			return nil, nil, fmt.Errorf("build %s with mutants: %w\n%s", m.in, err, out)
		}
	}
	return programs, clean, nil
}

// write writes the changed files, and the list of them that the go command reads.
func write(dir, root string, mutants []mutant) (string, error) {
	files, err := mutated(root, mutants)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range files {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "__"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write mutants: %w", err)
		}
		replace[filepath.Join(root, file)] = to
	}
	body, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, body, 0o600); err != nil {
		return "", fmt.Errorf("write overlay: %w", err)
	}
	return overlay, nil
}

// mutated are the texts of all files that some mutant changes.
func mutated(root string, mutants []mutant) (map[string]string, error) {
	files := map[string]string{}
	for _, m := range mutants {
		for _, e := range m.edits {
			if _, ok := files[e.file]; !ok {
				text, err := os.ReadFile(filepath.Join(root, e.file))
				if err != nil {
					return nil, fmt.Errorf("%s: %w", m.name, err)
				}
				files[e.file] = string(text)
			}
			if n := strings.Count(files[e.file], e.old); n != 1 {
				return nil, fmt.Errorf("%s: %s has these lines %d times, and must have them once:\n%s", m.name, e.file, n, e.old)
			}
			dir, pkg := filepath.Dir(e.file), "mooring"
			if dir != "." {
				pkg = filepath.Base(dir)
			}
			files[filepath.Join(dir, switchName)] = fmt.Sprintf(switchFile, pkg, variable)
			changed := strings.ReplaceAll(e.new, "MUTANT", fmt.Sprintf("mutant(%q)", m.name))
			files[e.file] = strings.Replace(files[e.file], e.old, changed, 1)
		}
	}
	return files, nil
}
