package front_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// haproxyConfig has one way that copies through haproxy's buffers, and one where the kernel copies when haproxy thinks
// that it pays. All else is as haproxy's documentation has it for TCP: a thread for each core, Nagle's algorithm off.
const haproxyConfig = `
global
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen copying
    bind fd@3
    server target %[1]s
listen splicing
    bind fd@4
    option splice-auto
    server target %[1]s
`

// startHaproxy returns both ways through one haproxy, or nil where it is not installed. MOORING_REQUIRE_HAPROXY makes
// that a failure.
func startHaproxy(b *testing.B, target string) []*way {
	b.Helper()
	path, err := exec.LookPath("haproxy")
	switch {
	case err != nil && os.Getenv("MOORING_REQUIRE_HAPROXY") != "":
		b.Fatal("haproxy is not installed, and MOORING_REQUIRE_HAPROXY is set")
	case err != nil:
		return nil
	}
	config := filepath.Join(b.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(config, fmt.Appendf(nil, haproxyConfig, target), 0o600); err != nil {
		b.Fatal(err)
	}
	// It gets sockets that listen already: no free port is guessed, and nobody has to wait for it.
	copying, copyingFile := listening(b)
	splicing, splicingFile := listening(b)
	cmd := exec.Command(path, "-q", "-db", "-f", config)
	cmd.ExtraFiles, cmd.Stderr = []*os.File{copyingFile, splicingFile}, os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	_, _ = copyingFile.Close(), splicingFile.Close()
	return []*way{
		{name: "haproxy", addr: copying, pid: cmd.Process.Pid},
		{name: "haproxy-splice", addr: splicing, pid: cmd.Process.Pid},
	}
}

func listening(b *testing.B) (addr string, file *os.File) {
	b.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }() // the file is another descriptor of the same socket
	if file, err = l.File(); err != nil {
		b.Fatal(err)
	}
	return l.Addr().String(), file
}

// haproxyVersion is for the table.
func haproxyVersion() string {
	out, err := exec.Command("haproxy", "-v").Output()
	if fields := strings.Fields(string(out)); err == nil && len(fields) > 2 {
		return fields[2]
	}
	return "(absent)"
}
