package rigtest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"sync/atomic"
	"testing"
	"time"
)

const apart = "RIGTEST_APART"

// Apart runs a test again in a network of its own, in which every address of 10.0.0.0/8 is this machine's and there is
// nothing else: no route out, and no metadata service. It returns true there. Elsewhere it returns false, when the test
// has passed there. The test is no subtest; it takes root, Linux and iproute2.
func Apart(t *testing.T) bool {
	t.Helper()
	if os.Getenv(apart) != "" {
		return true
	}
	const setUp = "ip link set lo up && ip route add local 10.0.0.0/8 dev lo && ip route add local " + metadata + "/32 dev lo"
	if text, err := exec.Command("unshare", "-n", "sh", "-c", setUp).CombinedOutput(); err != nil {
		unavailable(t, fmt.Errorf("make a network namespace: %w: %s", err, text))
	}
	limit := 10 * time.Minute
	if deadline, ok := t.Deadline(); ok {
		limit = time.Until(deadline)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-n", "sh", "-c", setUp+` && exec "$0" "$@"`,
		os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.timeout="+limit.String(), "-test.v")
	cmd.Env = append(os.Environ(), apart+"=1")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := Run(cmd); err != nil {
		t.Errorf("in a network of its own: %v\n%s", err, &text)
	}
	return false
}

// metadata is where EC2's metadata service is, which a process asks for credentials when it has none.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
const metadata = "169.254.169.254"

// Metadata counts the requests to the metadata service, from the call on. It is for tests that are [Apart].
func Metadata(t *testing.T) (asked func() int) {
	t.Helper()
	var n atomic.Int64
	listener, err := net.Listen("tcp", metadata+":80")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return func() int { return int(n.Load()) }
}
