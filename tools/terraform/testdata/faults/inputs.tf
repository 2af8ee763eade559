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
