package rig

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"mooring/internal/metrics"
)

// ipCount puts the original's metric. A round that removes somebody looks twice, and the metric is wanted once.
type ipCount struct {
	api    metrics.API
	metric metrics.OldMetric
	log    *slog.Logger

	mu   sync.Mutex
	last int
	at   time.Time
}

// samePut is how long the same count is not put again: the metric is kept by the minute.
const samePut = 10 * time.Second

func (p *ipCount) put(ctx context.Context, addrs []netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.last == len(addrs) && now.Sub(p.at) < samePut {
		return
	}
	p.last, p.at = len(addrs), now
	if err := metrics.PutIPCount(ctx, p.api, p.metric, len(addrs), now); err != nil {
		p.at = time.Time{}
		warning := []slog.Attr{slog.String("error", err.Error())}
		if denied, ok := errors.AsType[*metrics.Denied](err); ok {
			warning = append(warning, slog.String("missing_statement", denied.Statement()))
		}
		p.log.LogAttrs(ctx, slog.LevelWarn, "the metric of the address count was not put", warning...)
	}
}
