// Package mototest runs moto, an independent imitation of AWS, for tests: https://docs.getmoto.org.
package mototest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

const startTime = 3 * time.Minute // a Python program on a machine that compiles beside it

// errAbsent says that moto is not installed.
var errAbsent = errors.New("moto is not installed: pip install 'moto[server]'")

// shared is the one moto of a test program.
var shared struct {
	sync.Mutex
	started  bool
	endpoint string
	err      error
	stop     func() error
}

// Endpoint returns the address of moto, which the first call starts. Where moto is not installed the test is
// skipped, or fails if MOORING_REQUIRE_MOTO is 1. TestMain must call [Stop].
func Endpoint(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.started {
		shared.started = true
		shared.endpoint, shared.stop, shared.err = start()
	}
	switch {
	case errors.Is(shared.err, errAbsent) && os.Getenv("MOORING_REQUIRE_MOTO") != "1":
		t.Skip(shared.err)
	case shared.err != nil:
		t.Fatal(shared.err)
	}
	return shared.endpoint
}

// Stop ends moto, if it was started.
func Stop() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.stop == nil {
		return nil
	}
	return shared.stop()
}

// guarded ends moto when its own input ends: so also when the tests are killed.
const guarded = `"$0" "$@" >/dev/null 2>&1 & cat >/dev/null; kill $!; wait`

func start() (endpoint string, stop func() error, err error) {
	program, err := exec.LookPath("moto_server")
	if err != nil {
		return "", nil, errAbsent
	}
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command("sh", "-c", guarded, program, "-H", "127.0.0.1", "-p", port)
	input, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start moto: %w", err)
	}
	stop = func() error {
		err := input.Close()
		_ = cmd.Wait() // it was killed, and says so
		return err
	}
	endpoint = "http://127.0.0.1:" + port
	if err := awaitReady(endpoint); err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return endpoint, stop, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func awaitReady(endpoint string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/moto-api/", nil)
		if err != nil {
			return err
		}
		reply, err := http.DefaultClient.Do(req)
		if err == nil {
			return reply.Body.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("moto did not start: %w", err)
		}
	}
}
