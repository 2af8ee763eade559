//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mooring/cmd/internal/rigtest"
	"mooring/internal/sim"
)

// greet serves one connection: a line with the server's name, and then every line that comes, again.
func greet(c net.Conn, name string) {
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprintln(c, name); err == nil {
		_, _ = io.Copy(c, c)
	}
}

// listenAt serves connections by their server's name until the test ends.
func listenAt(t *testing.T, addr, name string) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go greet(c, name)
		}
	}()
	return l.Addr()
}

// A client is a flow through a front.
type client struct {
	net.Conn
	lines *bufio.Scanner
	name  string // of the server that it got
}

// connect opens a flow, and waits for the server's name.
func connect(addr string) (*client, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	f := &client{Conn: c, lines: bufio.NewScanner(c)}
	if !f.lines.Scan() {
		_ = c.Close()
		return nil, errors.Join(f.lines.Err(), io.ErrUnexpectedEOF)
	}
	f.name = f.lines.Text()
	return f, nil
}

func mustConnect(t *testing.T, addr string) *client {
	t.Helper()
	f, err := connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// answers tells whether the server at the other end still does.
func (f *client) answers() bool {
	const word = "still there"
	_, err := fmt.Fprintln(f, word)
	return err == nil && f.lines.Scan() && f.lines.Text() == word
}

// names are those of the servers that n flows get, each once.
func names(t *testing.T, addr string, n int) []string {
	t.Helper()
	var out []string
	for range n {
		f := mustConnect(t, addr)
		if !slices.Contains(out, f.name) {
			out = append(out, f.name)
		}
		_ = f.Close()
	}
	slices.Sort(out)
	return out
}

// freePort is a port of 127.0.0.1 at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// A neighbourhood is where targets really are, which a front reaches by the world's addresses.
type neighbourhood struct {
	t     *testing.T
	mu    sync.Mutex
	there map[string]string
}

// inhabit starts a server for each address, on a port of its own, named after both.
func inhabit(t *testing.T, port string, addrs ...netip.Addr) *neighbourhood {
	t.Helper()
	n := &neighbourhood{t: t, there: map[string]string{}}
	n.add(port, addrs...)
	return n
}

func (n *neighbourhood) add(port string, addrs ...netip.Addr) {
	n.t.Helper()
	for _, a := range addrs {
		name := net.JoinHostPort(a.String(), port)
		at := listenAt(n.t, "127.0.0.1:0", name).String()
		n.mu.Lock()
		n.there[name] = at
		n.mu.Unlock()
	}
}

func (n *neighbourhood) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	n.mu.Lock()
	at := n.there[addr]
	n.mu.Unlock()
	if at == "" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return new(net.Dialer).DialContext(ctx, network, at)
}

// untilLine waits for a line of the log in which a key has this value.
func (v *vigil) untilLine(key, value string) map[string]any {
	v.t.Helper()
	for {
		if line := v.until(key); line[key] == value {
			return line
		}
	}
}

const opened, closing, over = "the front is open", "the front is closed, and its flows may end", "the front has ended"

func TestAFrontIsKeptAcrossAReloadAndEndsWhenItsBindingIsGone(t *testing.T) {
	w := rigtest.NewInProcess(t, sim.DNSConfig{Seed: 1})
	w.DNS.Set(rigtest.Name, rigtest.Addrs(1, 2)...)
	town := inhabit(t, "443", rigtest.Addrs(1, 2)...)
	file, port := filepath.Join(t.TempDir(), "bindings.yaml"), freePort(t)
	front := "127.0.0.1:" + port
	state := filepath.ToSlash(t.TempDir())
	binding := func(name, group, more string) string {
		return "- {name: " + name + ", hostname: " + rigtest.Name + ", target_group: '" + group + "', memory: 'file:" + state + "', interval: 1s, hold: 0s" + more + "}\n"
	}
	write := func(bindings ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("bindings:\n"+strings.Join(bindings, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hangup := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	web := binding("web", "tcp://"+front, ", port: 443")
	write(web)
	v := keepVigilOver(t, w, town.dial, "--config", file)
	first := mustConnect(t, front)

	// A port that is not to be had keeps the whole configuration out.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	other := freePort(t)
	write(binding("other", "tcp://127.0.0.1:"+other, ", port: 443"), binding("another", "tcp://"+taken.Addr().String(), ", port: 443"))
	hangup()
	if line := v.untilLine("msg", "the configuration was not read anew, and the old one goes on"); !strings.Contains(fmt.Sprint(line["error"]), "front of another") {
		t.Errorf("%v", line)
	}
	if c, err := net.Dial("tcp", "127.0.0.1:"+other); err == nil {
		_ = c.Close()
		t.Error("a front of a configuration that was not taken is open")
	}
	if len(names(t, front, 1)) != 1 || !first.answers() {
		t.Error("the old front does not go on")
	}

	// New numbers reach it while it runs: no second flow.
	write(strings.Replace(web, "port: 443", "port: 443, front_max_flows: 1", 1))
	hangup()
	v.untilLine("msg", "the configuration was read anew")
	if second, err := connect(front); err == nil {
		t.Errorf("a second flow: %s", second.name)
	}
	if !first.answers() {
		t.Error("a reload broke a flow")
	}

	// Targets on another port: the old ones stay until the first of the new ones is healthy.
	town.add("444", rigtest.Addrs(1, 2)...)
	write(strings.Replace(web, "port: 443", "port: 444", 1))
	hangup()
	v.untilLine("target", rigtest.Addrs(1, 1)[0].String()+":444")
	for old := true; old; {
		v.round()
		old = slices.ContainsFunc(names(t, front, 4), func(name string) bool { return strings.HasSuffix(name, ":443") })
	}
	if !first.answers() {
		t.Error("a flow to a target that leaves was broken")
	}

	// Without its binding it takes no flows any more, and those that it has go on.
	write(binding("other", "tcp://127.0.0.1:"+other, ", port: 443"))
	hangup()
	v.untilLine("msg", closing)
	mustConnect(t, "127.0.0.1:"+other)
	for {
		c, err := net.Dial("tcp", front)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	if !first.answers() {
		t.Error("the end of a binding broke a flow")
	}
	_, metrics := v.get("/metrics")
	if strings.Contains(metrics, `"web"`) || !strings.Contains(metrics, `mooring_front_flows{binding="other"} 1`) {
		t.Error("the metrics are not of the front that there is")
	}
	_ = first.Close()
	if line := v.untilLine("msg", over); line["flows_reset"] != 0.0 {
		t.Errorf("%v", line)
	}
	v.cancel()
	v.untilLine("msg", closing)
}

func TestWatchSaysThatAFrontsAddressIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for group, want := range map[string]string{
		taken.Addr().String(): "address already in use\nmooring: hint: another process listens there",
		"198.51.100.1:8443":   "mooring: hint: the address is none of this machine's",
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"watch", "--hostname", rigtest.Name, "--port", "443", "--target-group", "tcp://" + group, "--memory", "none"},
			machine{out: &out, err: &errs, env: func(string) (string, bool) { return "", false }})
		if code != 1 || !strings.Contains(errs.String(), want) || !strings.HasPrefix(errs.String(), "mooring: error: front of tcp-") {
			t.Errorf("%d: %s", code, &errs)
		}
	}
}
