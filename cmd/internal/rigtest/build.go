package rigtest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// sideBySide is how many tests run at the same time where there are fewer cores: they wait for programs more than they compute.
const sideBySide = 8

// Main runs a package's tests, with a place for the programs that they build. TestMain exits with what it returns.
func Main(m *testing.M) int {
	if err := flag.Set("test.parallel", strconv.Itoa(max(sideBySide, runtime.GOMAXPROCS(0)))); err != nil { // but -parallel says otherwise
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "mooring-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs.dir = dir
	return m.Run()
}

var programs struct {
	dir  string
	mu   sync.Mutex
	path map[string]string
}

// Build builds a program as it is released, once for all tests of the package, and returns its path.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	programs.mu.Lock()
	defer programs.mu.Unlock()
	if path, ok := programs.path[pkg]; ok {
		return path
	}
	out := filepath.Join(programs.dir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
	if programs.path == nil {
		programs.path = map[string]string{}
	}
	programs.path[pkg] = out
	return out
}
