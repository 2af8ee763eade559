package front

import (
	"net"

	"golang.org/x/sys/unix"
)

// queued is how many bytes were sent to c that its peer has not taken: tcp(7), SIOCOUTQ. While it changes, a peer that
// takes little at a time is slow and not gone.
func queued(c *net.TCPConn) (bytes int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { // a closed connection has nothing queued
		bytes, _ = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) // the same number
	})
	return bytes
}
