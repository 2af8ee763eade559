package front

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// pair is one TCP connection, from both ends.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), a.Close() })
	return a.(*net.TCPConn), c.(*net.TCPConn)
}

// passing is a flow between a client and a target, each as this test holds it.
func passing(t *testing.T) (fl *flow, client, target *net.TCPConn) {
	t.Helper()
	near, client := pair(t)
	nearTarget, target := pair(t)
	fl = &flow{client: near}
	if !fl.attach(nearTarget) {
		t.Fatal("not attached")
	}
	over := make(chan bool)
	fl.pass(func() { close(over) })
	t.Cleanup(func() {
		fl.reset()
		<-over
	})
	return fl, client, target
}

func TestAFlowThatIsBeingConnectedIsNotIdle(t *testing.T) {
	near, _ := pair(t)
	fl := &flow{client: near}
	fl.look(noon)
	if idle := fl.look(noon.Add(time.Hour)); idle != 0 {
		t.Errorf("it is idle for %s", idle)
	}
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestAFlowIsIdleSinceALookSawItMoveLast(t *testing.T) {
	fl, client, target := passing(t)
	if idle := fl.look(noon); idle != 0 {
		t.Fatalf("at first it is idle for %s", idle)
	}
	if idle := fl.look(noon.Add(time.Minute)); idle != time.Minute {
		t.Fatalf("after a minute it is idle for %s", idle)
	}
	for at, c := range map[time.Duration][2]*net.TCPConn{2 * time.Minute: {client, target}, 4 * time.Minute: {target, client}} {
		before := fl.in.Load() + fl.out.Load()
		_, _ = io.WriteString(c[0], "x")
		_, _ = io.ReadFull(c[1], make([]byte, 1))
		for fl.in.Load()+fl.out.Load() == before {
			for _, near := range []*net.TCPConn{fl.client, fl.server} {
				_ = near.SetReadDeadline(noon) // which has it counted
			}
		}
		if idle := fl.look(noon.Add(at)); idle != 0 {
			t.Errorf("a byte later it is idle for %s", idle)
		}
	}
}

// What is queued for a slow reader shrinks while the copying stands still: it is slow, and not gone.
func TestASlowReaderIsNotIdle(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what is queued")
	}
	near, far := pair(t)
	if _, err := near.Write(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	_ = near.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	for {
		if _, err := near.Write(make([]byte, 64<<10)); err != nil {
			break // all buffers are full
		}
	}
	full := queued(near)
	fl := &flow{client: near}
	other, _ := pair(t)
	fl.attach(other)
	fl.look(noon)
	if _, err := io.ReadFull(far, make([]byte, 2<<20)); err != nil {
		t.Fatal(err)
	}
	for queued(near) == full {
		if _, err := io.ReadFull(far, make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if idle := fl.look(noon.Add(time.Hour)); idle != 0 {
		t.Errorf("it is idle for %s", idle)
	}
	if idle := fl.look(noon.Add(2 * time.Hour)); idle != time.Hour {
		t.Errorf("when it reads no more it is idle for %s", idle)
	}
}

// Only those flows are cut that were connected with the target: others are still to find a better one.
func TestAFlowThatIsBeingConnectedIsNotCut(t *testing.T) {
	connected, _, _ := passing(t)
	near, _ := pair(t)
	connecting := &flow{client: near}
	(&target{flows: map[*flow]bool{connected: true, connecting: true}}).cut()
	other, _ := pair(t)
	if !connecting.attach(other) {
		t.Error("the flow that was being connected was cut")
	}
	if again, _ := pair(t); connected.attach(again) {
		t.Error("the flow that was connected goes on")
	}
}
