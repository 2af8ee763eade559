package front_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"mooring"
	"mooring/internal/front"
)

// frontTo makes this program a front and nothing else, whose only target is named by it: clients and targets must not
// be counted with it.
const frontTo = "MOORING_TEST_FRONT_TO"

func TestMain(m *testing.M) {
	if target := os.Getenv(frontTo); target != "" {
		if err := runFront(target); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runFront prints the front's address when its target is healthy, and ends with its standard input.
func runFront(target string) error {
	at, err := netip.ParseAddrPort(target)
	if err != nil {
		return err
	}
	f, err := front.Listen(front.Config{
		Listen: netip.MustParseAddrPort("127.0.0.1:0"), Settings: front.DefaultSettings(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if _, err := f.Register(ctx, []mooring.Target{{Addr: at.Addr(), Port: at.Port()}}, permit); err != nil {
		return err
	}
	for look := time.NewTicker(time.Millisecond); ; <-look.C {
		targets, err := f.Targets(ctx)
		if err != nil {
			return err
		}
		if targets[0].Health == mooring.HealthHealthy {
			break
		}
	}
	fmt.Println(f.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startFront runs a front in a process of its own.
func startFront(b *testing.B, target string) *way {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), frontTo+"="+target), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return &way{name: "front", addr: strings.TrimSpace(addr), pid: cmd.Process.Pid}
}

// A use is what a process holds.
type use struct{ bytes, files int }

// useOf reads what the kernel says of a process: proc_pid_status(5), VmRSS, and the list of its open files.
func useOf(b *testing.B, pid int) use {
	b.Helper()
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		b.Fatal("no VmRSS")
	}
	kib, err := strconv.Atoi(fields[0])
	if err != nil {
		b.Fatal(err)
	}
	files, err := os.ReadDir(dir + "/fd")
	if err != nil {
		b.Fatal(err)
	}
	return use{bytes: kib << 10, files: len(files)}
}
