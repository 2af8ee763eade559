// Package cloudformation holds the templates, for programs and tests that read them.
package cloudformation

import _ "embed" // the templates are part of the program

// Mooring makes the function and all that belongs to it.
//
//go:embed mooring.yaml
var Mooring string

// Front makes what has to be there before: a Network Load Balancer and its target groups.
//
//go:embed front.yaml
var Front string

// MaxBody is the longest template, in bytes, that CloudFormation takes without a detour over S3:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const MaxBody = 51200
