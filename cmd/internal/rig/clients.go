package rig

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mooring/internal/config"
)

// Clients are what all bindings of a process share of AWS: one pool of connections, and one set of credentials for
// each role. It may be used by several goroutines.
type Clients struct {
	called func(Call)
	http   aws.HTTPClient

	mu       sync.Mutex
	profiles map[profile]aws.Config
	roles    map[role]aws.CredentialsProvider
}

// A profile is a part of the shared AWS configuration.
type profile struct{ name, region string }

// A role is somebody else that a profile may be.
type role struct{ profile, arn, externalID string }

// NewClients returns clients that tell called of every attempt of every call; nil tells nobody.
func NewClients(called func(Call)) *Clients {
	return &Clients{
		called: called, http: replies(awshttp.NewBuildableClient()),
		profiles: map[profile]aws.Config{}, roles: map[role]aws.CredentialsProvider{},
	}
}

// as returns the configuration of that identity. fallback is the region where none is configured.
func (s *Clients) as(ctx context.Context, who config.AWS, fallback string) (aws.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg, err := s.profile(ctx, profile{who.Profile, who.Region})
	if err != nil {
		return aws.Config{}, err
	}
	cfg.Region = cmp.Or(cfg.Region, fallback)
	if who.RoleARN != "" {
		cfg.Credentials = s.role(cfg, role{who.Profile, who.RoleARN, who.ExternalID})
	}
	return cfg, nil
}

// profile reads the shared configuration, once.
func (s *Clients) profile(ctx context.Context, p profile) (aws.Config, error) {
	if cfg, ok := s.profiles[p]; ok {
		return cfg.Copy(), nil
	}
	var options []func(*awsconfig.LoadOptions) error
	if p.name != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(p.name))
	}
	if p.region != "" {
		options = append(options, awsconfig.WithRegion(p.region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = s.http
	} else { // it names certificates of its own (AWS_CA_BUNDLE)
		cfg.HTTPClient = replies(cfg.HTTPClient)
	}
	if cfg.Credentials != nil {
		cfg.Credentials = identity{cfg.Credentials}
	}
	if s.called != nil {
		cfg.APIOptions = append(cfg.APIOptions, eachCall(s.called))
	}
	s.profiles[p] = cfg
	return cfg.Copy(), nil
}

// role returns the credentials of a role, which are the same in every region.
func (s *Clients) role(cfg aws.Config, r role) aws.CredentialsProvider {
	if provider, ok := s.roles[r]; ok {
		return provider
	}
	assumed := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), r.arn, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "mooring"
		if r.externalID != "" {
			o.ExternalID = aws.String(r.externalID)
		}
	})
	provider := aws.NewCredentialsCache(lender{assumed, r.arn})
	s.roles[r] = provider
	return provider
}
