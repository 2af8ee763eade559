// Package image holds the Dockerfile to what can be held without an engine: its steps are run as they stand, on what the
// engine would be given.
package image

import (
	"debug/elf"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const (
	root    = "../.."
	version = "v1.2.3-test"
)

// stages are those of the Dockerfile, in their order, and the values of the arguments before the first.
func stages(t *testing.T) ([]instructions.Stage, map[string]string) {
	t.Helper()
	file, err := os.Open(root + "/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed.Warnings) > 0 {
		t.Errorf("warnings: %v", parsed.Warnings)
	}
	out, global, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, command := range global {
		for _, arg := range command.Args {
			values[arg.Key] = *arg.Value
		}
	}
	return out, values
}

// commands are those of one kind in a stage.
func commands[T instructions.Command](s instructions.Stage) (out []T) {
	for _, c := range s.Commands {
		if one, ok := c.(T); ok {
			out = append(out, one)
		}
	}
	return out
}

// sent is what the engine is sent of the checkout: every file that is not ignored, by its path.
func sent(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(root + "/.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains([]string{".git", "dist", "bin", "tools"}, name) {
			if gone, err := ignored.MatchesOrParentMatches(name); err != nil || !gone {
				t.Errorf("%s is sent: %v", name, err)
			}
			return fs.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		gone, err := ignored.MatchesOrParentMatches(name)
		if err == nil && !gone {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatIsSentIsWhatIsCopiedAndNoMore(t *testing.T) {
	files := sent(t)
	all, _ := stages(t)
	for _, c := range commands[*instructions.CopyCommand](all[0]) {
		for _, source := range c.SourcePaths {
			if source != "." && !slices.Contains(files, source) {
				t.Errorf("COPY %s: it is not sent", source)
			}
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || !regexp.MustCompile(`\.(go|mod|sum|txt|tmpl|json)$`).MatchString(name) {
			t.Errorf("%s is sent, and is of no use", name)
		}
	}
	t.Logf("%d files are sent", len(files))
}

// The build stage's commands are run in a copy of what is sent, for both kinds of machine that images are made for.
func TestTheStepsMakeAStaticBinaryForEachArchitecture(t *testing.T) {
	context := t.TempDir()
	for _, name := range sent(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(context, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := stages(t)
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for _, arch := range slices.Sorted(maps.Keys(machines)) {
		out := filepath.Join(t.TempDir(), "out")
		for _, run := range commands[*instructions.RunCommand](all[0]) {
			line := strings.ReplaceAll(strings.Join(run.CmdLine, " "), "/out/", out+"/")
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
			cmd.Dir, cmd.Env = context, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly", "TARGETOS=linux", "TARGETARCH="+arch, "VERSION="+version)
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", line, err, said)
			}
		}
		isStatic(t, out+"/mooring", machines[arch])
		if runtime.GOOS == "linux" && runtime.GOARCH == arch {
			said, err := exec.CommandContext(t.Context(), out+"/mooring", "version").CombinedOutput()
			if err != nil || !strings.Contains(string(said), version) {
				t.Errorf("mooring version: %v, %s", err, said)
			}
		}
	}
}

func isStatic(t *testing.T, name string, machine elf.Machine) {
	t.Helper()
	file, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.Machine != machine {
		t.Errorf("%s is for %s, want %s", name, file.Machine, machine)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s needs an interpreter, and the image has none", name)
		}
	}
	if symbols, err := file.Symbols(); err == nil && len(symbols) > 0 {
		t.Errorf("%s has its symbols", name)
	}
}

func TestTheImageHasNobodyButMooringInIt(t *testing.T) {
	all, _ := stages(t)
	last := all[len(all)-1]
	if last.BaseName != "scratch" {
		t.Errorf("from %s", last.BaseName)
	}
	has := map[string]bool{}
	for _, c := range commands[*instructions.CopyCommand](last) {
		if c.From != all[0].Name {
			t.Errorf("COPY from %q", c.From)
		}
		has[c.DestPath] = true
	}
	users, entries := commands[*instructions.UserCommand](last), commands[*instructions.EntrypointCommand](last)
	if len(users) != 1 || !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(users[0].User) {
		t.Errorf("the user is %v: a number, and not 0", users)
	}
	if len(entries) != 1 || entries[0].PrependShell || !has[entries[0].CmdLine[0]] || path.Base(entries[0].CmdLine[0]) != "mooring" {
		t.Errorf("the entry point is %v, and copied is %v", entries, has)
	}
	if !has["/etc/ssl/certs/ca-certificates.crt"] {
		t.Error("no certificates: no call to AWS would be trusted")
	}
	labels := map[string]string{}
	for _, l := range commands[*instructions.LabelCommand](last) {
		for _, label := range l.Labels {
			labels[label.Key] = label.Value
		}
	}
	for _, key := range []string{"title", "description", "licenses", "version"} {
		if labels["org.opencontainers.image."+key] == "" {
			t.Errorf("no label %s: %v", key, labels)
		}
	}
}

// The image is built by the Go that go.mod asks for, on the builder's own kind of machine, with the flags of `make build`.
func TestTheImageIsBuiltAsEverythingElseIs(t *testing.T) {
	all, values := stages(t)
	module, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module); m == nil || values["GO_VERSION"] != string(m[1]) {
		t.Errorf("GO_VERSION is %q, and go.mod says %q", values["GO_VERSION"], m)
	}
	if all[0].BaseName != "golang:${GO_VERSION}" || all[0].Platform != "$BUILDPLATFORM" {
		t.Errorf("from %s for %s", all[0].BaseName, all[0].Platform)
	}
	makefile, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`(?m)^BUILD\s+:= (\S+) \$\(GO\) (build .+)\n^LDFLAGS\s+:= (.+)$`).FindStringSubmatch(string(makefile))
	if flags == nil {
		t.Fatal("the Makefile has no BUILD and LDFLAGS")
	}
	runs := commands[*instructions.RunCommand](all[0])
	line := strings.Join(runs[len(runs)-1].CmdLine, " ")
	for _, want := range []string{flags[1], flags[2], strings.ReplaceAll(flags[3], "$(VERSION)", "${VERSION}")} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not in %q", want, line)
		}
	}
}
