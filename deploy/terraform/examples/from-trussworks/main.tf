# Moving from trussworks/nlb-tg-to-alb/aws: the module block keeps its name and its inputs, and gets another source. The
# resources keep their place, by the moved blocks. README.md says what to look at in the plan.

variable "alb_dns_name" {
  description = "As it is now."
  type        = string
}

variable "nlb_target_group_arn" {
  description = "As it is now."
  type        = string
}

variable "status_s3_bucket" {
  description = "As it is now. mooring takes over what it finds there."
  type        = string
}

variable "lambda_s3_bucket" {
  description = "As it is now. mooring's archive must be there, under lambda_s3_key."
  type        = string
}

module "nlb_tg_to_alb" {
  source = "../.."

  # As they were.
  name                              = "web-443"
  lambda_job_identifier             = "nlb-tg-to-alb"
  alb_dns_name                      = var.alb_dns_name
  alb_listener_port                 = 443
  nlb_target_group_arn              = var.nlb_target_group_arn
  status_s3_bucket                  = var.status_s3_bucket
  lambda_s3_bucket                  = var.lambda_s3_bucket
  max_lookup_per_invocation         = 50
  invocations_before_deregistration = 3
  enable_cloudwatch_metrics         = true
  log_retention_days                = 30

  # New: mooring's archive, and the schedule that was there.
  lambda_s3_key = "mooring/mooring-lambda-arm64.zip"
  schedule_type = "rule"
}

# Where the state has these after module.nlb_tg_to_alb. is seen by `terraform state list`. The addresses are those of the
# module's last version, with version 2.6.0 of trussworks/lambda/aws inside it.
moved {
  from = module.nlb_tg_to_alb.module.updater.aws_lambda_function.main_from_s3[0]
  to   = module.nlb_tg_to_alb.aws_lambda_function.this
}

moved {
  from = module.nlb_tg_to_alb.module.updater.aws_cloudwatch_log_group.main
  to   = module.nlb_tg_to_alb.aws_cloudwatch_log_group.function
}

moved {
  from = module.nlb_tg_to_alb.module.updater.aws_iam_role.main
  to   = module.nlb_tg_to_alb.aws_iam_role.function[0]
}

moved {
  from = module.nlb_tg_to_alb.module.updater.aws_iam_role_policy.main
  to   = module.nlb_tg_to_alb.aws_iam_role_policy.function[0]
}

moved {
  from = module.nlb_tg_to_alb.module.updater.aws_lambda_permission.allow_source_s3[0]
  to   = module.nlb_tg_to_alb.aws_lambda_permission.schedule[0]
}

moved {
  from = module.nlb_tg_to_alb.aws_cloudwatch_event_rule.main
  to   = module.nlb_tg_to_alb.aws_cloudwatch_event_rule.schedule[0]
}

moved {
  from = module.nlb_tg_to_alb.aws_cloudwatch_event_target.main
  to   = module.nlb_tg_to_alb.aws_cloudwatch_event_target.schedule[0]
}

output "function" {
  description = "Name of the function, which stays."
  value       = module.nlb_tg_to_alb.function_name
}
