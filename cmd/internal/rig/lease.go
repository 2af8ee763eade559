package rig

import (
	"context"
	"fmt"

	"mooring/internal/config"
	"mooring/internal/store"
)

// LeaseOf makes the lease on the bindings of a share, at the place where the memory of one of them is. It is held under
// this name, which is for people.
func LeaseOf(o Options, holder string) func(ctx context.Context, c config.Config, share string) (Lease, error) {
	return func(ctx context.Context, c config.Config, share string) (Lease, error) {
		switch key := store.LeaseKey(c.Memory.Prefix, share); c.Memory.Kind {
		case "file":
			return store.NewFileLease(c.Memory.Dir, key), nil
		case "s3":
			cfg, err := memoryConfig(ctx, c, o.Clients)
			if err != nil {
				return nil, err
			}
			place := store.S3Config{
				Bucket: c.Memory.Bucket, Key: key, SSE: c.Memory.SSE, Owner: c.Memory.Owner, Partition: store.Partition(cfg.Region),
			}
			return store.NewS3Lease(store.ConnectS3API(cfg), place, holder, LeaseLife), nil
		default:
			return nil, fmt.Errorf("a memory of kind %q is not shared", c.Memory.Kind)
		}
	}
}
