//go:build race

package rig_test

// Under the race detector memory says nothing, and ten thousand steps take minutes.
const racing = true
