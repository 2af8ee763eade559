package mooring_test

import (
	"testing"

	"pgregory.net/rapid"
)

// FuzzDecide compares the judgement with its twin on rounds that coverage leads to, beside those that chance draws.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{})
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { agrees(map[string]int{})(t) }))
}
