package mooring_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mooring/internal/sim"
)

// What is played may be anybody's. It ends, and soon; what it asks for too much is an error that says so.
func TestAScriptThatAsksForTooMuchIsAnError(t *testing.T) {
	many := strings.Repeat("10.0.0.0-255,", 4) + "10.0.1.1"
	for script, want := range map[string]string{
		"rounds 1000000000\n----\n":                       "want 1 to 10000 rounds",
		"rounds -1\n----\n":                               "want 1 to 10000 rounds",
		"name addrs=" + many + "\n----\n":                 "over the limit of 1000 addresses",
		"operator register=" + many + "\n----\n":          "over the limit of 1000 addresses",
		"dns answers=-1\n----\nround\n":                   "answers: want 1 to 1000",
		"dns max-lookups=1000000000\n----\n":              "max-lookups: want 1 to 10000",
		"older lookups=1000000000\n----\n":                "lookups: want 1 to 1000",
		"wait 2000000h\n----\n":                           "time: want 0s to",
		"wait -1m\n----\n":                                "time: want 0s to",
		"wait 1h\nwait -1m\n----\n":                       "time does not go back",
		"group drain=-1s\n----\n":                         "drain: want 0s to",
		"dns cache=-1s\n----\n":                           "cache: want 0s to",
		"bind" + strings.Repeat(" a", 17) + "\n----\n":    "names: want 1 to 16",
		strings.Repeat("rounds 10000\n", 2) + "----\n":    "the script asks for too much",
		strings.Repeat("show group\n", 10_001) + "----\n": "over the limit of 10000 commands",
		strings.Repeat("#\n", 1<<20):                      "over the limit of 1048576",
	} {
		if _, err := sim.Play(script); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", script, err, want)
		}
	}
	if _, err := sim.Play("name addrs=255.255.255.255\n----\n"); err != nil { // after which no address comes
		t.Error(err)
	}
}

// long are scripts that a machine plays for more than a moment, which finds less than many short ones do.
var long = regexp.MustCompile(`rounds\s+\d{3,4}\b`)

// FuzzScenario plays any script. It ends; what comes out is a script that tells the same; and nothing that a script can
// say breaks a promise.
func FuzzScenario(f *testing.F) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(script))
	}
	f.Fuzz(func(t *testing.T, script string) {
		if len(script) > 4096 || long.MatchString(script) {
			return
		}
		played, err := sim.Play(script)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		// The clock stands still in an overlap: who comes back after a run's second look seems to have been there in it.
		if strings.Contains(played, sim.BrokenPromise) && !strings.Contains(script, sim.BrokenPromise) && !strings.Contains(script, "overlap") {
			t.Errorf("a promise was broken:\n%s", played)
		}
		again, err := sim.Play(played)
		if err != nil || again != played {
			t.Errorf("played again it tells another story: %v %s\n%s", err, firstDifference(played, again), played)
		}
	})
}
