// Command mooring-lambda is mooring as a Lambda function on provided.al2023: every event runs a round.
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
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"mooring"
	"mooring/cmd/internal/rig"
	"mooring/internal/config"
	"mooring/internal/metrics"
)

// version is set by the linker.
var version = "devel"

// deadlineReserve is what a round leaves of the function's time, so that it is never killed in the middle of a call.
const deadlineReserve = 5 * time.Second

func main() {
	f := &function{
		out: os.Stdout,
		log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}
	golog.SetFlags(0) // the runtime's package logs failed invocations as JSON, behind a time that is none
	f.prepare(context.Background(), os.LookupEnv)
	lambda.Start(f.handle)
}

// A function is one instance of the Lambda function: its keeper, and with it all connections, serves every event.
type function struct {
	out     io.Writer
	log     *slog.Logger
	env     config.Environment
	keeper  *mooring.Keeper
	metrics string // basic, all or none
}

// prepare reads the configuration once. A bad one is reported by every event, where somebody sees it, instead of
// ending the process before its first.
func (f *function) prepare(ctx context.Context, env config.Environment) {
	f.env = env
	if _, err := f.ready(ctx); err != nil {
		f.log.LogAttrs(ctx, slog.LevelError, "the function cannot run", slog.String("error", oneLine(err)))
	}
}

// ready returns the keeper, made once.
func (f *function) ready(ctx context.Context) (*mooring.Keeper, error) {
	if f.keeper != nil {
		return f.keeper, nil
	}
	var metricsErr error
	if f.metrics, metricsErr = metricsOf(f.env); metricsErr != nil {
		return nil, metricsErr
	}
	noFlags := func(string) ([]string, bool) { return nil, false }
	configs, err := config.Load(ctx, noFlags, f.env, rig.NewReader(noFlags, f.env))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if len(configs) != 1 {
		return nil, fmt.Errorf("configuration: %d bindings: want one", len(configs))
	}
	f.keeper, err = rig.New(ctx, configs[0], rig.Options{Program: version, Log: f.log})
	return f.keeper, err
}

// handle runs one round. What the event says does not matter: the round looks at the world.
// It returns an error when the round did not come through, so that the invocation counts as failed.
func (f *function) handle(ctx context.Context, _ json.RawMessage) (mooring.Reports, error) {
	keeper, err := f.ready(ctx)
	if err != nil {
		return mooring.Reports{}, errors.New(oneLine(err))
	}
	ctx, cancel := roundContext(ctx, time.Now())
	defer cancel()
	report := keeper.Round(ctx)
	if err := f.emit(report); err != nil {
		f.log.LogAttrs(ctx, slog.LevelWarn, "the metrics were not written", slog.Any("error", err))
	}
	reports := mooring.NewReports(report)
	if !reports.OK {
		return mooring.Reports{}, errors.New(strings.TrimSpace(report.Error + " " + report.Inconclusive))
	}
	return reports, nil
}

// emit writes the report as embedded metrics: a line that holds nothing but them.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (f *function) emit(report mooring.Report) error {
	if f.metrics == "none" {
		return nil
	}
	line, err := metrics.EMF(report, time.Now(), f.metrics == "all")
	if err != nil {
		return err
	}
	_, err = f.out.Write(line)
	return err
}

// roundContext ends a round in time: after 45 s, or 5 s before the function itself is ended.
func roundContext(ctx context.Context, now time.Time) (context.Context, context.CancelFunc) {
	end := now.Add(rig.RoundLimit)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-deadlineReserve).Before(end) {
		end = deadline.Add(-deadlineReserve)
	}
	return context.WithDeadline(ctx, end)
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
