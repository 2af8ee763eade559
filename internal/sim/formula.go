package sim

import "math"

// MinutesAYear is how many there are: 365.25 days.
const MinutesAYear = 525_960

// Unseen is the chance that a run of so many lookups misses a given one of n live addresses, where each answer holds k of
// them, drawn anew. No answer of fewer than k ends the run, for there is none.
func Unseen(n, k, lookups int) float64 {
	return math.Pow(1-float64(min(n, k))/float64(n), float64(lookups))
}

// WrongRemovals is how many live targets a year a rule takes out that removes whoever misses runs in a row did not see, by
// so many runs a year: for each address of n, a row of exactly that many misses begins behind a run that saw it. It
// leaves out that nobody is removed again who has not come back yet.
func WrongRemovals(n, k, lookups, misses int, runs float64) float64 {
	p := Unseen(n, k, lookups)
	return float64(n) * runs * (1 - p) * math.Pow(p, float64(misses))
}

// WrongRemovalsByEvidence bounds what a rule takes out that removes by evidence: each of the k sightings in each of so many
// answers a year begins an absence, which reaches the threshold though the address is live with at most this chance.
func WrongRemovalsByEvidence(answers float64, k int, missProbability float64) float64 {
	return answers * float64(k) * missProbability
}
