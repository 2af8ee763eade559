package rig

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mooring/internal/config"
)

// Config is the AWS configuration of an identity, for what a command does and the function does not, and so is put
// together elsewhere. fallback is the region where none is configured.
func (s *Clients) Config(ctx context.Context, who config.AWS, fallback string) (aws.Config, error) {
	return s.as(ctx, who, fallback)
}
