# Taking over a function that was made by hand or by a template: `terraform plan` imports what is there and shows what would
# change about it. Every name must be the present one.

variable "alb_dns_name" {
  description = "ALB_DNS_NAME of the function's environment."
  type        = string
}

variable "target_group_arn" {
  description = "NLB_TG_ARN of the function's environment."
  type        = string
}

variable "state_bucket" {
  description = "S3_BUCKET of the function's environment."
  type        = string
}

module "mooring" {
  source = "../.."

  name                 = "populate-nlb"      # the function's
  role_name            = "populate-nlb-role" # and its role's
  package_file         = "${path.root}/mooring-lambda-arm64.zip"
  alb_dns_name         = var.alb_dns_name
  nlb_target_group_arn = var.target_group_arn
  status_s3_bucket     = var.state_bucket
  schedule_type        = "rule"
}

import {
  to = module.mooring.aws_lambda_function.this
  id = "populate-nlb"
}

import {
  to = module.mooring.aws_cloudwatch_log_group.function
  id = "/aws/lambda/populate-nlb"
}

import {
  to = module.mooring.aws_iam_role.function[0]
  id = "populate-nlb-role"
}

output "function" {
  description = "Name of the function, which stays."
  value       = module.mooring.function_name
}
