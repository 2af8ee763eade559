// Command mooring-lambda is mooring as a Lambda function on provided.al2023: every event runs rounds.
// It holds rounds only: nothing in it deploys, or moves traffic.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	golog "log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/elb"
	"mooring/internal/metrics"
)

// version is set by the linker.
var version = "devel"

func main() {
	f := &function{
		out: os.Stdout,
		log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),

		environ: os.Environ,
	}
	golog.SetFlags(0) // the runtime's package logs failed invocations as JSON, behind a time that is none
	f.prepare(context.Background(), os.LookupEnv)
	lambda.Start(f.handle)
}

// A function is one instance of the Lambda function: its fleet, and with it all connections, serves every event.
type function struct {
	out     io.Writer
	log     *slog.Logger
	env     config.Environment
	fleet   *mooring.Fleet
	metrics string // basic, all or none

	environ func() []string // every variable, to tell of misspelt ones; nil: none

	writing sync.Mutex // a line of metrics at a time
}

// prepare reads the configuration once. A bad one is reported by every event, where somebody sees it, instead of
// ending the process before its first.
func (f *function) prepare(ctx context.Context, env config.Environment) {
	f.env = env
	f.warn(ctx)
	fleet, err := f.ready(ctx)
	if err != nil {
		f.log.LogAttrs(ctx, slog.LevelError, "the function cannot run", slog.String("error", oneLine(err)))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, openLimit) // a function has more of a processor before its first event than later
	defer cancel()
	fleet.Open(ctx)
}

// warn tells of variables that look like settings and are none: a misspelt one would be ignored in silence.
func (f *function) warn(ctx context.Context) {
	if f.environ == nil {
		return
	}
	if unknown := config.UnknownVariables(f.environ()); len(unknown) > 0 {
		f.log.LogAttrs(ctx, slog.LevelWarn, "variables are ignored", slog.Any("variables", unknown))
	}
}

// openLimit is far below the 10 s that a function may take before its first event.
const openLimit = 3 * time.Second

// ready returns the fleet, made once.
func (f *function) ready(ctx context.Context) (*mooring.Fleet, error) {
	if f.fleet != nil {
		return f.fleet, nil
	}
	var metricsErr error
	if f.metrics, metricsErr = metricsOf(f.env); metricsErr != nil {
		return nil, metricsErr
	}
	noFlags := func(string) ([]string, bool) { return nil, false }
	process, processErr := config.LoadProcess(noFlags, f.env)
	configs, err := config.Load(ctx, noFlags, f.env, rig.NewReader(noFlags, f.env))
	if err = errors.Join(processErr, err); err == nil {
		configs, err = config.Select(configs, process.Bindings)
	}
	if err == nil {
		err = noFronts(configs)
	}
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	f.fleet, err = rig.NewFleet(ctx, configs, rig.Options{
		Program: version, Log: f.log, Out: f.out, Limiter: elb.NewLimiter(process.Share),
	})
	return f.fleet, err
}

// noFronts refuses bindings whose group would be this process, which is frozen after each event.
func noFronts(configs []config.Config) error {
	var faults []error
	for _, c := range configs {
		if c.Embedded() {
			faults = append(faults, fmt.Errorf("binding %s: %s: the function is no load balancer: give it the ARN of a target group, or run mooring watch on a machine",
				c.Binding.Name, c.Binding.TargetGroup))
		}
	}
	return errors.Join(faults...)
}

// handle runs a round of each binding, and further ones where the event or the interval asks for them. Of what the
// event says nothing matters but whether it is the schedule: a round looks at the world.
// It returns an error when no binding came through, so that the invocation counts as failed.
func (f *function) handle(ctx context.Context, event json.RawMessage) (mooring.Reports, error) {
	fleet, err := f.ready(ctx)
	if err != nil {
		return mooring.Reports{}, errors.New(oneLine(err))
	}
	if err := tooShort(ctx, time.Now()); err != nil {
		return mooring.Reports{}, err
	}
	visit, ctx, cancel := plan(ctx, event, time.Now())
	defer cancel()
	if len(visit.Again) > 0 {
		f.log.LogAttrs(ctx, slog.LevelInfo, "the event is not the schedule's, and is looked into again after 5, 15 and 30 s")
	}
	last, through := f.visit(ctx, fleet, visit)
	if through {
		return mooring.NewReports(last...), nil
	}
	return mooring.Reports{}, errors.New(failure(last))
}

// visit runs the rounds, and returns each binding's last report, in the configuration's order, and whether any round of
// any of them came through.
func (f *function) visit(ctx context.Context, fleet *mooring.Fleet, visit mooring.Visit) (last []mooring.Report, through bool) {
	var mu sync.Mutex
	latest := map[*mooring.Member]mooring.Report{}
	fleet.Visit(ctx, visit, func(m *mooring.Member, r mooring.Report) {
		mu.Lock()
		latest[m], through = r, through || r.OK()
		mu.Unlock()
		if err := f.emit(r); err != nil {
			f.log.LogAttrs(ctx, slog.LevelWarn, "the metrics were not written", slog.Any("error", err))
		}
	})
	for _, m := range fleet.Members {
		if r, ok := latest[m]; ok {
			last = append(last, r)
		}
	}
	return last, through
}

// failure says why no binding came through.
func failure(reports []mooring.Report) string {
	if len(reports) == 0 {
		return "no round was run: the function was ended before"
	}
	var why []string
	for _, r := range reports {
		one := strings.TrimSpace(r.Error + " " + r.Inconclusive)
		if len(reports) > 1 {
			one = r.Binding + ": " + one
		}
		why = append(why, one)
	}
	return cut(strings.Join(why, "; "))
}

// cut keeps a failure within what the log and the console show; each binding's is in its own report.
func cut(text string) string {
	const most = 8 << 10
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + " and so on"
}

// emit writes the report as embedded metrics: a line that holds nothing but them. A glance that came through says no more
// than the round before it.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (f *function) emit(report mooring.Report) error {
	if f.metrics == "none" || report.Glance && report.OK() {
		return nil
	}
	line, err := metrics.EMF(report, time.Now(), f.metrics == "all")
	if err != nil {
		return err
	}
	f.writing.Lock()
	defer f.writing.Unlock()
	_, err = f.out.Write(line)
	return err
}

// metricsOf reads MOORING_METRICS.
func metricsOf(env config.Environment) (string, error) {
	switch v, _ := env("MOORING_METRICS"); v {
	case "", "basic":
		return "basic", nil
	case "all", "none":
		return v, nil
	default:
		return "", fmt.Errorf("configuration: MOORING_METRICS %q: want basic, all or none", v)
	}
}

// oneLine puts a list of errors on one line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n", "; ")), " ")
}
