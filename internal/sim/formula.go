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
// so many runs a year: for each address of n, a row of at least that many misses begins behind a run that saw it. That is
// exact where whoever was removed is registered by the run that sees it next.
func WrongRemovals(n, k, lookups, misses int, runs float64) float64 {
	return WrongRemovalsAway(n, k, lookups, misses, runs, 0)
}

// WrongRemovalsAway is the same where a removed target cannot return in so many runs after its removal: between two
// removals of one address are a row of misses, these runs, and those until it is seen again.
func WrongRemovalsAway(n, k, lookups, misses int, runs float64, away int) float64 {
	p := Unseen(n, k, lookups)
	between := 1 / ((1 - p) * math.Pow(p, float64(misses))) // runs; infinite where each answer holds all
	return float64(n) * runs / (between + float64(away))
}

// WrongRemovalsByEvidence bounds what a rule takes out that removes by evidence: each of the k sightings in each of so many
// answers a year begins an absence, which reaches the threshold though the address is live with at most this chance.
func WrongRemovalsByEvidence(answers float64, k int, missProbability float64) float64 {
	return answers * float64(k) * missProbability
}
