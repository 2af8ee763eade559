//go:build !unix

package front

import "math"

// affordable is how many flows fit into the files that the process may have open: there is no such limit here.
func affordable() int { return math.MaxInt }
