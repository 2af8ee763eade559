package rig

import (
	"context"
	"fmt"

	"mooring/internal/config"
	"mooring/internal/store"
)

// LeaseOf makes the lease at the place where a binding's memory is, held under this name, which is for people.
func LeaseOf(o Options, holder string) func(context.Context, config.Config) (Lease, error) {
	return func(ctx context.Context, c config.Config) (Lease, error) {
		switch key := store.LeaseKey(c.Memory.Prefix); c.Memory.Kind {
		case "file":
			return store.NewFileLease(c.Memory.Dir, key), nil
		case "s3":
			cfg, err := memoryConfig(ctx, c, o.Clients)
			if err != nil {
				return nil, err
			}
			place := store.S3Config{Bucket: c.Memory.Bucket, Key: key, SSE: c.Memory.SSE, Owner: c.Memory.Owner}
			return store.NewS3Lease(store.ConnectS3API(cfg), place, holder, LeaseLife), nil
		default:
			return nil, fmt.Errorf("a memory of kind %q is not shared", c.Memory.Kind)
		}
	}
}
