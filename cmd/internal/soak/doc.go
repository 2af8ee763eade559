// Package soak holds a test only: the built `mooring watch` runs for as long as one likes while everything around it is
// stopped, paused and started again, and so is it. `make soak` runs it for SOAK (10m); `go test` for some seconds, and
// always the same ones.
package soak
