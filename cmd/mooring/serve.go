package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// A door is where the daemon is looked at from outside.
type door struct {
	server *http.Server
	over   chan struct{}
}

// maxAsked is how much of a request is read: nothing that is asked has a body.
const maxAsked = 8 << 10

// listen serves h at an address until the door is closed. A port of 0 is any that is free; the log tells which.
func listen(ctx context.Context, addr string, h http.Handler, log *slog.Logger) (*door, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for health checks and metrics: %w", err)
	}
	d := &door{over: make(chan struct{}), server: &http.Server{
		Handler:           http.MaxBytesHandler(h, maxAsked),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than between two scrapes
		MaxHeaderBytes:    maxAsked,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	log.LogAttrs(ctx, slog.LevelInfo, "listening", slog.String("addr", listener.Addr().String()))
	go func() {
		defer close(d.over)
		if err := d.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.LogAttrs(ctx, slog.LevelError, "no longer listening", slog.String("error", err.Error()))
		}
	}()
	return d, nil
}

// close ends what is being served, and waits for it for a moment.
func (d *door) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if d.server.Shutdown(ctx) != nil {
		_ = d.server.Close() // whoever is still there is cut off
	}
	<-d.over
}

// maxNamed is how many bindings an answer names.
const maxNamed = 100

// answer says that all is well, or with 503 which bindings it is not well with.
func answer(w http.ResponseWriter, well, ill string, names []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if len(names) == 0 {
		_, _ = io.WriteString(w, well+"\n")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	more := ""
	if len(names) > maxNamed {
		more = fmt.Sprintf("and %d more\n", len(names)-maxNamed)
	}
	fmt.Fprintf(w, "%s: %d\n%s\n%s", ill, len(names), strings.Join(names[:min(len(names), maxNamed)], "\n"), more)
}
