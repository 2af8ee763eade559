package config

import (
	"slices"
	"strings"
)

const prefix = "MOORING_"

// otherVariables are read elsewhere: by every verb that prints a result, and by the function.
var otherVariables = []string{"OUTPUT", "METRICS"}

// testVariables is how those begin that only mooring's own tests read.
const testVariables = "REQUIRE_"

// maxUnknown is how many unknown variables are told.
const maxUnknown = 20

// UnknownVariables says of each variable that is named like one of mooring's and is none that it is ignored, and which
// one it may stand for. names are all of the process's environment, alone or as [os.Environ] has them. The messages
// hold no values.
func UnknownVariables(names []string) []string {
	known := slices.Clone(otherVariables)
	for _, s := range slices.Concat(settings, processSettings) {
		known = append(known, strings.TrimPrefix(s.Variable(), prefix))
	}
	var out []string
	for _, name := range slices.Sorted(slices.Values(names)) {
		name, _, _ = strings.Cut(name, "=")
		word, ours := strings.CutPrefix(name, prefix)
		if !ours || slices.Contains(known, word) || strings.HasPrefix(word, testVariables) {
			continue
		}
		if len(out) == maxUnknown {
			return append(out, "and perhaps more: these are enough for once")
		}
		hint := strings.Replace(didYouMean(word, known), "mean ", "mean "+prefix, 1)
		out = append(out, keyName(name)+": no such variable, so it is ignored"+hint)
	}
	return out
}
