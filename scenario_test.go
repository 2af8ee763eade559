package mooring_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mooring/internal/sim"
)

var update = flag.Bool("update", false, "rewrite the transcripts in testdata/scenarios; read the difference before you commit it")

// Each script is a story, a test, and what `mooring demo` plays.
func TestScenario(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("scripts: %v %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			played, err := sim.Play(string(script))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if strings.Contains(played, sim.BrokenPromise) {
				t.Errorf("a promise was broken:\n%s", played)
			}
			if *update {
				if err := os.WriteFile(file, []byte(played), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if played != string(script) {
				t.Errorf("%s tells another story: %s\nrun `go test . -run Scenario -update` and read the difference", file, firstDifference(string(script), played))
			}
		})
	}
}

func firstDifference(want, got string) string {
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(wants), len(gots)) {
		if wants[i] != gots[i] {
			return "\n- " + wants[i] + "\n+ " + gots[i]
		}
	}
	return "one ends before the other"
}

func TestAScriptThatCannotBeReadIsAnError(t *testing.T) {
	for name, script := range map[string]string{
		"unknown command":     "dance\n----\n",
		"unknown argument":    "dns speed=9\n----\n",
		"unknown accident":    "memory tired\n----\n",
		"unknown fault":       "fault dns=tired\n----\n",
		"unknown point":       "overlap at=dawn\n----\n",
		"unknown thing":       "show courage\n----\n",
		"bad address":         "name addrs=10.0.0\n----\n",
		"bad range":           "name addrs=10.0.0.1-x\n----\n",
		"bad number":          "rounds many\n----\n",
		"bad duration":        "wait long\n----\n",
		"policy out of range": "policy misses=0\n----\n",
		"no end":              "round\n",
		"no end before text":  "round\n\n",
		"point not reached":   "name addrs=10.0.0.1\noverlap at=deregister\n----\n",
	} {
		t.Run(name, func(t *testing.T) {
			if played, err := sim.Play(script); err == nil {
				t.Errorf("played: %s", played)
			}
		})
	}
}
