//go:build !race

package mooring_test

const defaultSeeds = 300
