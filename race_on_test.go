//go:build race

package mooring_test

// Under the race detector a world lives eight times as long, and the worlds' own goroutines take turns anyway.
const defaultSeeds = 60
