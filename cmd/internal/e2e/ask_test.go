package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"mooring/cmd/internal/transcript"
)

// A talker answers what nobody has asked, for as long as somebody listens.
type talker struct {
	net.Conn
	said, most int
	each       func()
	waits      int // how often it was waited for anew
}

func (c *talker) SetDeadline(at time.Time) error {
	c.waits++
	return c.Conn.SetDeadline(at)
}

func (c *talker) talk(to net.Conn) {
	defer to.Close()
	go func() { _, _ = io.Copy(io.Discard, to) }()
	answers := &dns.Conn{Conn: to}
	for ; c.said < c.most; c.said++ {
		m := new(dns.Msg).SetQuestion("x.", dns.TypeA)
		m.Response = true
		m.Id = uint16(c.said)
		if m.Id == 7 { // that of the question
			continue
		}
		if answers.WriteMsg(m) != nil {
			return
		}
		c.each()
	}
}

func TestAServerThatAnswersWhatNobodyAskedIsNotListenedToForEver(t *testing.T) {
	t.Parallel()
	for _, ends := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		near, far := net.Pipe()
		c := &talker{Conn: near, most: 5000, each: func() {}}
		if ends {
			c.each = cancel
		}
		done := make(chan struct{})
		go func() { defer close(done); c.talk(far) }()
		a := asker{dial: func(context.Context, string, string) (net.Conn, error) { return c, nil }, tape: &transcript.Tape{Mask: &transcript.Mask{}}}
		got := a.connection(ctx, a.resolver, true, 1, func() *dns.Msg {
			m := new(dns.Msg).SetQuestion("x.", dns.TypeA)
			m.Id = 7
			return m
		})
		<-done
		if len(got) != 1 || got[0].Error == "" || c.waits != 1 {
			t.Errorf("%+v, and %d times was waited anew", got, c.waits)
		}
		if ends && c.said == c.most {
			t.Error("it is listened to after the end")
		}
	}
}
