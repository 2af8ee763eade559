# The module as people would call it, a case each. The test copies this beside the module.

locals {
  balancer = "internal-app-1234567890.eu-west-1.elb.amazonaws.com"
  group    = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup"
}

module "one" {
  source = "../terraform"

  package_file = "${path.root}/function.zip"
  bindings = [{
    name         = "web-443"
    hostname     = local.balancer
    port         = 443
    target_group = "${local.group}/web/0123456789abcdef"
  }]
}

module "older" {
  source = "../terraform"

  name                  = "web"
  lambda_job_identifier = "nlb-tg-to-alb"
  lambda_s3_bucket      = "archives"
  lambda_s3_key         = "mooring.zip"
  alb_dns_name          = local.balancer
  nlb_target_group_arn  = "${local.group}/web/0123456789abcdef"
  status_s3_bucket      = "state"
  schedule_type         = "rule"
  defaults              = { mode = "observe", resolver = ["10.0.0.2:53"] }
}

module "back" {
  source = "../terraform"

  name                 = "back"
  package_bucket       = "archives"
  package_key          = "mooring.zip"
  alb_dns_name         = local.balancer
  nlb_target_group_arn = "${local.group}/web/0123456789abcdef"
  status_s3_bucket     = "state"
  write_legacy_state   = "v2"
}

module "back_v3" {
  source = "../terraform"

  name               = "back-v3"
  package_bucket     = "archives"
  package_key        = "mooring.zip"
  target_fqdn        = ["db.example.com."]
  target_group_arn   = "${local.group}/db/0123456789abcdef"
  status_s3_bucket   = "state"
  write_legacy_state = "v3"
}

module "names" {
  source = "../terraform"

  name               = "names"
  package_bucket     = "archives"
  package_key        = "mooring.zip"
  target_fqdn        = ["a.example.com", "b.example.com"]
  target_group_arn   = "${local.group}/names/0123456789abcdef"
  dns_servers        = "10.0.0.2 10.0.1.2"
  subnet_ids         = ["subnet-1"]
  security_group_ids = ["sg-1"]
  create_alarms      = false
}

module "many" {
  source = "../terraform"

  name                    = "Many_Names"
  package_file            = "${path.root}/function.zip"
  architecture            = "x86_64"
  create_role             = false
  role_arn                = "arn:aws:iam::111122223333:role/mooring"
  schedule_role_arn       = "arn:aws:iam::111122223333:role/schedule"
  kms_key_arn             = "arn:aws:kms:eu-west-1:111122223333:key/0123"
  failure_destination_arn = "arn:aws:sqs:eu-west-1:111122223333:failures"
  reserved_concurrency    = 1
  alarm_actions           = ["arn:aws:sns:eu-west-1:111122223333:alarms"]
  memory_prefix           = "shop/"
  defaults = {
    notify      = ["sns:arn:aws:sns:eu-west-1:111122223333:changes", "eventbridge:default"]
    max_lookups = 100
    interval    = "5s"

    write_legacy_state = "none"
  }
  bindings = concat([
    {
      name             = "writer"
      hostname         = "shop.cluster-c0ffee1234ab.eu-west-1.rds.amazonaws.com"
      hostnames        = ["shop-2.cluster-c0ffee1234ab.eu-west-1.rds.amazonaws.com"]
      target_group     = "${local.group}/writer/fedcba9876543210"
      answers          = "whole"
      miss_probability = 1e-9
      max_leave        = "50%"
    },
    {
      name            = "theirs"
      hostname        = "b.example.com"
      target_group    = "arn:aws:elasticloadbalancing:eu-west-1:222233334444:targetgroup/theirs/fedcba9876543210"
      role_arn        = "arn:aws:iam::222233334444:role/mooring"
      external_id     = "shop"
      memory_role_arn = "none"
    },
    {
      name         = "looks"
      hostname     = "c.example.com"
      target_group = "${local.group}/looks/fedcba9876543210"
      mode         = "observe"
      memory       = "none"
    },
    {
      hostname     = "d.example.com"
      target_group = "${local.group}/adds/fedcba9876543210"
      port         = 9092
      mode         = "add-only"
      memory       = "s3://other/below/"
      memory_sse   = "aws:kms:arn:aws:kms:eu-west-1:111122223333:key/4567"
      memory_owner = "111122223333"

      write_legacy_state = "v1"
    },
    ], [for n in range(4) : {
      name         = "more-${n}"
      hostname     = "more-${n}.example.com"
      target_group = "${local.group}/more-${n}/fedcba9876543210"
  }])
}

# Every form that mooring takes, of other partitions, too, and what stands for nothing.
module "forms" {
  source = "../terraform"

  name                    = "forms"
  package_file            = "${path.root}/function.zip"
  create_alarms           = false
  failure_destination_arn = "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:failures:$LATEST"
  kms_key_arn             = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-0123456789abcdef"
  defaults = {
    memory          = "s3://other.state_1/a b/+"
    memory_role_arn = "none"
    notify          = ["stdout", "sns:arn:aws-cn:sns:cn-north-1:111122223333:a_b-c.fifo", "eventbridge:aws.partner/example.com/a_b"]
  }
  bindings = [
    {
      name            = "china"
      hostname        = "Internal-App_1.example.com.cn."
      hostnames       = ["localhost", "10.example.com"]
      target_group    = "arn:aws-cn:elasticloadbalancing:cn-north-1:111122223333:targetgroup/web/0123456789abcdef"
      role_arn        = "arn:aws-cn:iam::111122223333:role/a/b+=,.@-_"
      memory_role_arn = "arn:aws-cn:iam::111122223333:role/memory"
    },
    {
      name         = "secret"
      hostname     = "a.example.com"
      target_group = "arn:aws-iso-b:elasticloadbalancing:us-isob-east-1:111122223333:targetgroup/web/0123456789abcdef"
      memory_sse   = "aws:kms:arn:aws-iso-b:kms:us-isob-east-1:111122223333:key/mrk-0123456789abcdef"
      notify       = ["eventbridge:arn:aws-iso-b:events:us-isob-east-1:111122223333:event-bus/changes"]
    },
    {
      name         = "empty"
      hostname     = ""
      hostnames    = ["b.example.com"]
      target_group = "${local.group}/web/0123456789abcdef"
    },
  ]
}

# A target group and a load balancer that do not exist yet: nothing may depend on what they will be called.
resource "aws_cloudwatch_log_group" "unknown" {
  name = "stands-for-a-target-group"
}

module "unknown" {
  source = "../terraform"

  name         = "unknown"
  package_file = "${path.root}/function.zip"
  bindings = [{
    name         = "web-443"
    hostname     = "a.example.com"
    target_group = replace(aws_cloudwatch_log_group.unknown.arn, "/.+/", "${local.group}/web/0123456789abcdef")
  }]
}

module "unknown_older" {
  source = "../terraform"

  name                 = "unknown-older"
  package_file         = "${path.root}/function.zip"
  create_memory_bucket = false
  status_s3_bucket     = replace(aws_cloudwatch_log_group.unknown.arn, "/.+/", "state")
  alb_dns_name         = replace(aws_cloudwatch_log_group.unknown.arn, "/.+/", local.balancer)
  nlb_target_group_arn = replace(aws_cloudwatch_log_group.unknown.arn, "/.+/", "${local.group}/web/0123456789abcdef")
}

output "policies" {
  value = {
    one           = module.one.policy_json
    older         = module.older.policy_json
    back          = module.back.policy_json
    back_v3       = module.back_v3.policy_json
    names         = module.names.policy_json
    many          = module.many.policy_json
    unknown       = module.unknown.policy_json
    unknown_older = module.unknown_older.policy_json
  }
}

output "alarms" {
  value = { one = module.one.alarm_arns, names = module.names.alarm_arns }
}
