//go:build unix

package front

import (
	"math"

	"golang.org/x/sys/unix"
)

// affordable is how many flows fit into the files that the process may have open.
func affordable() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return flowsOf(uint64(limit.Cur))
}
