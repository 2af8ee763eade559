# Inputs that are refused before anything else is looked at.

# Each binding needs hostname, or hostnames.
module "no_hostname" {
  source   = "../terraform"
  bindings = [{ target_group = local.group }]
}

# must be the ARN of a target group
module "a_front" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = "tcp://:443" }]
}

# port must be a whole number from 1 to 65535
module "port" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, port = 65536 }]
}

# mode must be sync, add-only or observe
module "mode" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, mode = "dry" }]
}

# The function has no disk that stays.
module "disk" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, memory = "file:/var/lib/mooring" }]
}

# The schedule must be rate(1 minute)
module "schedule" {
  source              = "../terraform"
  schedule_expression = "rate(30 seconds)"
}

# The schedule_type must be scheduler or rule.
module "schedule_type" {
  source        = "../terraform"
  schedule_type = "events"
}

# The architecture must be arm64 or x86_64.
module "architecture" {
  source       = "../terraform"
  architecture = "amd64"
}

# The timeout must be from 15 to 900 seconds
module "timeout" {
  source  = "../terraform"
  timeout = 3
}

# CloudWatch Logs keeps for
module "retention" {
  source             = "../terraform"
  log_retention_days = 31
}

# The name must be 1 to 40
module "name" {
  source = "../terraform"
  name   = "two words"
}

# The key must be given by its ARN
module "key" {
  source      = "../terraform"
  kms_key_arn = "alias/mooring"
}

# The failure destination must be
module "failures" {
  source                  = "../terraform"
  failure_destination_arn = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
}

# MOORING_CONFIG is made of bindings
module "variables" {
  source                = "../terraform"
  environment_variables = { MOORING_CONFIG = "{}" }
}

# What follows would stand in the policy, and mean more there than one thing. The second of a list is looked at, too.

# hostnames, must be one bare DNS name
module "hostname" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group }, { hostname = "*", target_group = local.group }]
}

# hostnames, must be one bare DNS name
module "hostnames" {
  source   = "../terraform"
  bindings = [{ hostnames = ["a.example.com", "$${aws:username}.example.com"], target_group = local.group }]
}

# hostnames, must be one bare DNS name
module "address" {
  source   = "../terraform"
  bindings = [{ hostname = "10.0.0.1", target_group = local.group }]
}

# hostnames, must be one bare DNS name
module "long_hostname" {
  source   = "../terraform"
  bindings = [{ hostname = join(".", [for n in range(64) : "abc"]), target_group = local.group }]
}

# must be the ARN of a target group
module "any_group" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = replace(local.group, "/web/", "/*/") }]
}

# binding's role_arn must be the ARN of one role
module "any_role" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, role_arn = "*" }]
}

# binding's memory_role_arn must be none, or the ARN of one role
module "any_memory_role" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, memory_role_arn = "arn:aws:iam::111122223333:role/*" }]
}

# binding's memory_owner must be an account
module "any_owner" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, memory_owner = "$${aws:PrincipalAccount}" }]
}

# binding's memory must be s3://BUCKET[/PREFIX] or none, with the name of one bucket
module "any_bucket" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, memory = "s3://*" }]
}

# binding's memory must be s3://BUCKET[/PREFIX] or none, with the name of one bucket
module "any_prefix" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, memory = "s3://state/*" }]
}

# binding's memory_sse must be none, AES256, aws:kms, or aws:kms: and the ARN of one key
module "any_memory_key" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, memory_sse = "aws:kms:arn:aws:kms:eu-west-1:111122223333:key/*" }]
}

# binding's notify must be stdout, sns: and the ARN of one topic
module "any_topic" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, notify = ["stdout", "sns:arn:aws:sns:eu-west-1:111122223333:*"] }]
}

# binding's notify must be stdout, sns: and the ARN of one topic
module "any_bus" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group, notify = ["eventbridge:*"] }]
}

# The role_arn of defaults must be the ARN of one role
module "any_default_role" {
  source   = "../terraform"
  defaults = { role_arn = "arn:aws:iam::*:role/mooring" }
}

# The memory_role_arn must be none, or the ARN of one role
module "any_default_memory_role" {
  source   = "../terraform"
  defaults = { memory_role_arn = "*" }
}

# The memory_owner must be an account
module "any_default_owner" {
  source   = "../terraform"
  defaults = { memory_owner = "*" }
}

# The memory must be s3://BUCKET[/PREFIX] or none, with the name of one bucket
module "any_default_bucket" {
  source   = "../terraform"
  defaults = { memory = "s3://state*" }
}

# The memory must be s3://BUCKET[/PREFIX] or none, with the name of one bucket
module "any_default_prefix" {
  source   = "../terraform"
  defaults = { memory = "s3://state/$${aws:username}" }
}

# The memory_sse must be none, AES256, aws:kms, or aws:kms: and the ARN of one key
module "any_default_memory_key" {
  source   = "../terraform"
  defaults = { memory_sse = "aws:kms:arn:aws:kms:eu-west-1:111122223333:key/0123*" }
}

# Each of notify must be stdout, sns: and the ARN of one topic
module "any_default_topic" {
  source   = "../terraform"
  defaults = { notify = ["sns:*"] }
}

# Each of notify must be stdout, sns: and the ARN of one topic
module "any_default_bus" {
  source   = "../terraform"
  defaults = { notify = ["eventbridge:default", "eventbridge:arn:aws:events:eu-west-1:111122223333:event-bus/*"] }
}

# The alb_dns_name must be one bare DNS name
module "any_balancer" {
  source       = "../terraform"
  alb_dns_name = "*"
}

# Each of target_fqdn must be one bare DNS name
module "any_fqdn" {
  source      = "../terraform"
  target_fqdn = ["a.example.com", "a?.example.com"]
}

# The nlb_target_group_arn must be the ARN of one target group
module "any_balancers_group" {
  source               = "../terraform"
  nlb_target_group_arn = replace(local.group, "/web/", "/*/")
}

# The target_group_arn must be the ARN of one target group
module "any_names_group" {
  source           = "../terraform"
  target_group_arn = "*"
}

# The status_s3_bucket must be the name of one bucket
module "any_state_bucket" {
  source           = "../terraform"
  status_s3_bucket = "*"
}

# The prefix must not begin with a slash
module "any_memory_prefix" {
  source        = "../terraform"
  memory_prefix = "*"
}

# The lambda_job_identifier must be letters, digits
module "any_identifier" {
  source                = "../terraform"
  lambda_job_identifier = "*"
}

# The role_arn must be the ARN of one role
module "any_own_role" {
  source   = "../terraform"
  role_arn = "arn:aws:iam::111122223333:role/*"
}

# The key must be given by its ARN
module "any_key" {
  source      = "../terraform"
  kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/*"
}

# The failure destination must be the ARN of one SQS queue
module "any_queue" {
  source                  = "../terraform"
  failure_destination_arn = "arn:aws:sqs:eu-west-1:111122223333:*"
}

# The failure destination must be the ARN of one SQS queue
module "any_function" {
  source                  = "../terraform"
  failure_destination_arn = "arn:aws:lambda:eu-west-1:111122223333:function:*"
}

# The failure destination must be the ARN of one SQS queue
module "any_event_bus" {
  source                  = "../terraform"
  failure_destination_arn = "arn:aws:events:eu-west-1:111122223333:event-bus/*"
}

# The failure destination must be the ARN of one SQS queue
module "any_failures_bucket" {
  source                  = "../terraform"
  failure_destination_arn = "arn:aws:s3:::*"
}
