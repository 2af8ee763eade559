# Each says something wrong. The comment above it is what the module must answer.

locals {
  group = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"
}

# package_file, or package_bucket and package_key.
module "no_package" {
  source   = "../terraform"
  bindings = [{ hostname = "a.example.com", target_group = local.group }]
}

# package_bucket and package_key belong together.
module "half_a_package" {
  source         = "../terraform"
  package_bucket = "archives"
  bindings       = [{ hostname = "a.example.com", target_group = local.group }]
}

# Say what to keep in step:
module "nothing" {
  source       = "../terraform"
  package_file = "${path.root}/function.zip"
}

# Say which target group:
module "no_group" {
  source       = "../terraform"
  package_file = "${path.root}/function.zip"
  alb_dns_name = "a.example.com"
}

# but not both.
module "both" {
  source       = "../terraform"
  package_file = "${path.root}/function.zip"
  alb_dns_name = "a.example.com"
  bindings     = [{ hostname = "a.example.com", target_group = local.group }]
}

# Two bindings have one name
module "one_name" {
  source       = "../terraform"
  package_file = "${path.root}/function.zip"
  bindings     = [for h in ["a.example.com", "b.example.com"] : { hostname = h, target_group = local.group }]
}

# set config_in_bucket = true
module "too_large" {
  source           = "../terraform"
  package_file     = "${path.root}/function.zip"
  config_in_bucket = false
  bindings         = [for n in range(40) : { name = "web-${n}", hostname = "a.example.com", target_group = local.group }]
}

# Either create_role is true and role_arn null
module "two_roles" {
  source       = "../terraform"
  package_file = "${path.root}/function.zip"
  role_arn     = "arn:aws:iam::111122223333:role/mooring"
  bindings     = [{ hostname = "a.example.com", target_group = local.group }]
}

# needs schedule_role_arn
module "no_schedule_role" {
  source       = "../terraform"
  package_file = "${path.root}/function.zip"
  create_role  = false
  role_arn     = "arn:aws:iam::111122223333:role/mooring"
  bindings     = [{ hostname = "a.example.com", target_group = local.group }]
}

# give alarm_period
module "cron" {
  source              = "../terraform"
  package_file        = "${path.root}/function.zip"
  schedule_expression = "cron(0/5 * * * ? *)"
  bindings            = [{ hostname = "a.example.com", target_group = local.group }]
}

# Subnets and security groups belong together.
module "no_security_group" {
  source       = "../terraform"
  package_file = "${path.root}/function.zip"
  subnet_ids   = ["subnet-1"]
  bindings     = [{ hostname = "a.example.com", target_group = local.group }]
}

# write_legacy_state needs one hostname, a memory, and a mode that changes something
module "back_from_watching" {
  source             = "../terraform"
  package_file       = "${path.root}/function.zip"
  target_fqdn        = ["a.example.com"]
  target_group_arn   = local.group
  defaults           = { mode = "observe" }
  write_legacy_state = "v3"
}
