package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/metrics/prom"
)

func newWatch(m machine) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Run rounds for ever, many bindings side by side",
		Long: `watch runs a round of each binding every --interval (default 60s, down to 1s), and writes one JSON line a round to
standard output: the whole report. The bindings of a file (--config) run side by side, 8 at once, spread over the
interval; one that fails, hangs or panics does not disturb the others.

Between rounds that follow each other closely only the name is looked up, and the group is read when the name shows
something new, when something is pending, or after 30 s. Such a glance writes nothing.

SIGTERM and SIGINT end it: no round begins any more, those that were begun are finished, and the exit code is 0. A
second signal ends it at once. SIGHUP reads the configuration anew: bindings that did not change go on undisturbed, and
a configuration with a fault is logged while the old one goes on.

With --target-group tcp://ADDR:PORT it is the load balancer itself: it listens there and passes TCP on to the targets, for
which nothing of AWS is needed. After a restart such a front goes on with the targets of its memory. A signal closes it at
once, and its flows may go on for --front-drain-delay; over a SIGHUP it is kept, with its flows, for as long as its
address is configured. Nobody else can listen there, so the following is not about it.

Two copies at once are safe, for every save of a memory is conditional. So that they do not do everything twice, one
leads where they keep the same bindings in one memory (s3://BUCKET/PREFIX, or file:DIR): it holds a lease there,
mooring/watch-....lease below the prefix, and the other stands by. It takes over within seconds of a clean end, which releases the lease, and within
two minutes of a death. Where the lease is not to be had, both lead.

--listen ADDR:PORT serves, to whoever can reach it:
  /healthz   200 while the process works, also while DNS is in doubt; 503 when a round does not end
  /readyz    200 once every binding has ended a round or stands by; else 503 and their names
  /metrics   Prometheus; rules for alerts are in deploy/prometheus/alerts.yaml

Exit codes: 0 ended by a signal, 1 the configuration has a fault, or an address to listen on is not to be had.`,
		Example: `  mooring watch --config bindings.yaml --listen 127.0.0.1:9090
  mooring watch --hostname internal-app-123.eu-west-1.elb.amazonaws.com --port 443 \
    --target-group tcp://:8443 --memory file:/var/lib/mooring
  mooring watch --hostname db.example.com --answers whole --interval 1s --target-group ... --memory s3://my-bucket`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return m.watch(cmd) },
	}
	bindSettings(cmd.Flags(), config.ProcessSettings())
	bindSettings(cmd.Flags(), config.Settings())
	return cmd
}

func (m machine) watch(cmd *cobra.Command) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal does what signals do
	reload, quiet := hangups()
	defer quiet()

	log := slog.New(slog.NewJSONHandler(m.out, nil))
	fronts := &fronts{log: log, reach: m.reach}
	defer fronts.cut()
	w, served, process, err := m.watcher(cmd, log, fronts)
	if err != nil {
		return err
	}
	if process.Listen != "" {
		door, err := listen(ctx, process.Listen, handler(w, served.Handler()), log)
		if err != nil {
			return err
		}
		defer door.close()
	}
	log.LogAttrs(ctx, slog.LevelInfo, "watching", slog.String("version", program()), slog.Int("bindings", len(w.Status().Bindings)))
	over, drained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		w.Run(ctx, reload)
	}()
	context.AfterFunc(ctx, func() { // while the last rounds end
		defer close(drained)
		fronts.drain()
	})
	select {
	case <-over:
	case <-afterEnd(ctx, shutdownLimit):
		err = fmt.Errorf("watch: it did not end within %s of the signal: is its output read by nobody?", shutdownLimit)
	}
	<-drained
	if err == nil {
		log.LogAttrs(ctx, slog.LevelInfo, "ended")
	}
	return err
}

// shutdownLimit is how long rounds that were begun may take after the signal. What hangs longer is left behind.
const shutdownLimit = rig.RoundLimit + 15*time.Second

// afterEnd is closed that long after the context has ended.
func afterEnd(ctx context.Context, d time.Duration) <-chan struct{} {
	late := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(d, func() { close(late) }) })
	return late
}

// watcher makes a watcher whose configuration is read, and the metrics of all that it does.
func (m machine) watcher(cmd *cobra.Command, log *slog.Logger, fronts *fronts) (*rig.Watcher, *prom.Metrics, config.Process, error) {
	process, _ := config.LoadProcess(given(cmd.Flags()), m.env) // its faults are told with all others, by Load
	w := &rig.Watcher{}
	served := prom.New(program(), func() int { return len(w.Stuck()) })
	limiter := elb.NewLimiter(process.Share)
	limiter.Waited = func(_ string, d time.Duration) { served.Waited(d) }
	w.Options = rig.Options{
		Program: program(), Log: log, Dial: m.dial, Out: m.out, Limiter: limiter,
		Clients: rig.NewClients(func(c rig.Call) { served.Called(prom.Call(c)) }), Front: fronts.group,
	}
	served.Fronts(fronts.stats)
	w.LeaseOf = rig.LeaseOf(w.Options, holder())
	w.Load = func(ctx context.Context) ([]config.Config, error) {
		configs, _, err := m.bindings(ctx, cmd.Flags())
		if err == nil {
			err = fronts.follow(configs)
		}
		return configs, err
	}
	w.Told = served.Round
	w.Changed = func(s rig.Status) {
		served.Bindings(named(s))
		served.Loaded(!s.Stale, s.Loaded)
	}
	return w, served, process, w.Prepare(cmd.Context())
}

// holder is what this process is called in a lease, for people.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

func named(s rig.Status) []prom.Binding {
	out := make([]prom.Binding, 0, len(s.Bindings))
	for _, b := range s.Bindings {
		out = append(out, prom.Binding{Name: b.Name, Leads: b.Leads})
	}
	return out
}

// handler answers what --listen serves.
func handler(w *rig.Watcher, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, "ok", "rounds that do not end", w.Stuck())
	})
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, "ready", "bindings that have not ended a round", w.Status().Pending())
	})
	mux.Handle("GET /metrics", metrics)
	return mux
}
