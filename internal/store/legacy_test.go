package store_test

const (
	alb   = "internal-web-123456789.eu-central-1.elb.amazonaws.com"
	group = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0123456789abcdef"
)
