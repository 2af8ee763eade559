package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/notify"
)

// tellOf tells of a binding's changes wherever it is to be told, at the same time; nil where that is nowhere.
func tellOf(ctx context.Context, c config.Config, o Options) (func(context.Context, mooring.Report) error, error) {
	if len(c.Notify) == 0 || o.DryRun {
		return nil, nil
	}
	var cfg aws.Config // as whom; standard output needs nobody
	if slices.ContainsFunc(c.Notify, func(n config.Notify) bool { return n.Kind != "stdout" }) {
		var err error
		if cfg, err = o.Clients.as(ctx, c.AWS, config.GroupRegion(c.Binding.TargetGroup)); err != nil {
			return nil, err
		}
	}
	out := o.Out
	if out == nil {
		out = io.Discard
	}
	var sinks []notify.Sink
	for _, n := range c.Notify {
		sink, err := notify.Connect(cfg, n.Kind, n.ARN, out)
		if err != nil {
			return nil, fmt.Errorf("binding %s: %w", c.Binding.Name, err)
		}
		sinks = append(sinks, sink)
	}
	return func(ctx context.Context, r mooring.Report) error {
		events := notify.Events(r, time.Now(), o.Program)
		errs := make([]error, len(sinks))
		var all mooring.Tasks
		for i, sink := range sinks {
			all.Go(func() { errs[i] = sink.Send(ctx, events) })
		}
		all.Wait()
		return errors.Join(errs...)
	}, nil
}
