# The function, its log, and what happens to an invocation that fails.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id # its name has another attribute in each version of the provider

  name         = var.lambda_job_identifier == null ? var.name : "${var.name}-${var.lambda_job_identifier}"
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.name}"
  log_group    = "/aws/lambda/${local.name}"

  package_bucket = var.package_bucket == null ? var.lambda_s3_bucket : var.package_bucket
  package_key    = var.package_key == null ? var.lambda_s3_key : var.package_key

  subnets         = var.vpc_config == null ? var.subnet_ids : var.vpc_config.subnet_ids
  security_groups = var.vpc_config == null ? var.security_group_ids : var.vpc_config.security_group_ids

  # No round begins in the last 15 s of an invocation, so that one that runs rounds all the time needs more than the minute.
  timeout = var.timeout == null ? (local.has_interval ? 75 : 60) : var.timeout
}

resource "aws_cloudwatch_log_group" "function" {
  name              = local.log_group
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  function_name = local.name
  description   = "mooring: keeps target groups in step with names"
  role          = var.create_role ? aws_iam_role.function[0].arn : var.role_arn

  package_type      = "Zip"
  filename          = var.package_file
  source_code_hash  = var.package_file == null ? null : filebase64sha256(var.package_file)
  s3_bucket         = local.package_bucket
  s3_key            = local.package_key
  s3_object_version = var.package_version

  runtime       = "provided.al2023"
  handler       = "bootstrap" # the file in the archive
  architectures = [var.architecture]
  memory_size   = var.memory_size
  timeout       = local.timeout
  kms_key_arn   = var.kms_key_arn

  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency # -1: none are reserved

  environment {
    variables = local.environment
  }

  dynamic "vpc_config" {
    for_each = length(local.subnets) > 0 ? [1] : []

    content {
      subnet_ids         = local.subnets
      security_group_ids = local.security_groups
    }
  }

  tags = var.tags

  depends_on = [
    aws_cloudwatch_log_group.function, # else Lambda makes one that keeps for ever
    aws_iam_role_policy.function,
  ]

  lifecycle {
    precondition {
      condition     = (var.package_file == null ? 0 : 1) + (local.package_bucket == null ? 0 : 1) == 1
      error_message = "Say where the function's archive is: package_file, or package_bucket and package_key."
    }

    precondition {
      condition     = (local.package_bucket == null) == (local.package_key == null)
      error_message = "package_bucket and package_key belong together."
    }

    precondition {
      condition     = var.create_role == (var.role_arn == null)
      error_message = "Either create_role is true and role_arn null, or create_role is false and role_arn given."
    }

    precondition {
      condition     = var.vpc_config == null || length(var.subnet_ids) + length(var.security_group_ids) == 0
      error_message = "vpc_config and subnet_ids, security_group_ids say the same thing: give one of them."
    }

    precondition {
      condition     = (length(local.subnets) == 0) == (length(local.security_groups) == 0)
      error_message = "Subnets and security groups belong together."
    }

    precondition {
      condition     = length(var.bindings) == 0 || !local.older_used
      error_message = "Give bindings, or the inputs of one binding (alb_dns_name, target_fqdn, nlb_target_group_arn, target_group_arn), but not both."
    }

    precondition {
      condition     = length(var.bindings) > 0 || (var.alb_dns_name != null) != (length(var.target_fqdn) > 0)
      error_message = "Say what to keep in step: bindings; or alb_dns_name or target_fqdn, one of the two."
    }

    precondition {
      condition     = length(var.bindings) > 0 || (var.nlb_target_group_arn != null) != (var.target_group_arn != null)
      error_message = "Say which target group: nlb_target_group_arn or target_group_arn, one of the two."
    }

    precondition {
      condition     = !anytrue([for b in local.whole : b.write_legacy_state != "none" && (b.mode == "observe" || b.memory == "none" || length(b.hostname) > 1 || (local.replaces && b.write_legacy_state == "v3"))])
      error_message = "write_legacy_state needs one hostname, a memory, and a mode that changes something; and v3 is not for alb_dns_name with status_s3_bucket, whose function was another."
    }

    precondition {
      condition     = length(distinct(local.names)) == length(local.names)
      error_message = "Two bindings have one name: give each its own by name."
    }

    precondition {
      condition     = local.config_in_bucket || length(local.config) <= 3500
      error_message = "The configuration is too large for the function's variables, which are 4 KB in all: set config_in_bucket = true."
    }
  }
}

# A round that failed is not tried again: the next one comes in a minute, and knows more.
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60

  dynamic "destination_config" {
    for_each = var.failure_destination_arn == null ? [] : [var.failure_destination_arn]

    content {
      on_failure {
        destination = destination_config.value
      }
    }
  }
}
