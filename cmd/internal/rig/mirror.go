package rig

import (
	"cmp"
	"context"
	"fmt"

	"mooring"
	"mooring/internal/config"
	"mooring/internal/store"
)

// mirrorOf keeps the state of an older function true; nil where none is to be. It is written by whoever may write the
// memory, for it is as old as that and may be in the same bucket.
func mirrorOf(ctx context.Context, c config.Config, o Options) (func(context.Context, mooring.Memory) error, error) {
	if c.LegacyState.Format == "" || o.DryRun {
		return nil, nil
	}
	cfg, err := o.Clients.as(ctx, legacyWriter(c), config.GroupRegion(c.Binding.TargetGroup))
	if err != nil {
		return nil, err
	}
	w, err := store.ConnectLegacyWriter(cfg, legacyWriteOf(c))
	if err != nil {
		return nil, fmt.Errorf("keep the older function's state of %s: %w", c.Binding.Name, err)
	}
	return w.Write, nil
}

// legacyWriter is who writes it, and where.
func legacyWriter(c config.Config) config.AWS {
	who := memoryIdentity(c)
	who.Region = cmp.Or(c.LegacyState.Region, who.Region)
	return who
}

// legacyWriteOf says where it is, and by which numbers the function counts.
func legacyWriteOf(c config.Config) store.LegacyWriteConfig {
	owner := ""
	if c.LegacyState.Bucket == c.Memory.Bucket {
		owner = c.Memory.Owner
	}
	return store.LegacyWriteConfig{
		Format: c.LegacyState.Format, Bucket: c.LegacyState.Bucket, Owner: owner, SSE: c.Memory.SSE,
		Name: c.LegacyState.Name, TargetGroup: c.Binding.TargetGroup, Port: c.Binding.Port, Misses: c.LegacyState.Misses,
		Threshold: c.Policy.Threshold(),
	}
}
