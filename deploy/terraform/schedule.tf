# A round each minute, by EventBridge Scheduler or by a rule. What could not be delivered within the minute is dropped: the
# next one does the same and more.

locals {
  by_scheduler = var.schedule_type == "scheduler"
  by_rule      = var.schedule_type == "rule"
}

resource "aws_iam_role" "schedule" {
  count = local.by_scheduler && var.create_role ? 1 : 0

  name                 = "${local.name}-schedule"
  description          = "Lets EventBridge Scheduler invoke the function ${local.name}"
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # The source is the schedule's group, and can be no schedule alone:
      # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
      Condition = { StringEquals = {
        "aws:SourceAccount" = local.account
        "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/default"
      } }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  count = local.by_scheduler && var.create_role ? 1 : 0

  name = "${local.name}-schedule"
  role = aws_iam_role.schedule[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [local.function_arn]
    }]
  })
}

resource "aws_scheduler_schedule" "this" {
  count = local.by_scheduler ? 1 : 0

  name                = local.name
  description         = "Runs a round of ${local.name}"
  schedule_expression = var.schedule_expression
  state               = var.schedule_enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.this.arn
    role_arn = var.create_role ? aws_iam_role.schedule[0].arn : var.schedule_role_arn

    retry_policy {
      maximum_event_age_in_seconds = 60
      maximum_retry_attempts       = 0
    }
  }

  depends_on = [aws_iam_role_policy.schedule]

  lifecycle {
    precondition {
      condition     = var.create_role == (var.schedule_role_arn == null)
      error_message = "Without create_role EventBridge Scheduler needs schedule_role_arn, a role by which it may invoke the function; or set schedule_type = \"rule\", which needs none."
    }
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  count = local.by_rule ? 1 : 0

  name                = "${local.name}-trigger"
  description         = "Runs a round of ${local.name}"
  schedule_expression = var.schedule_expression
  state               = var.schedule_enabled ? "ENABLED" : "DISABLED"
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  count = local.by_rule ? 1 : 0

  rule      = aws_cloudwatch_event_rule.schedule[0].name
  target_id = local.name
  arn       = aws_lambda_function.this.arn

  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }

  depends_on = [aws_lambda_permission.schedule]
}

resource "aws_lambda_permission" "schedule" {
  count = local.by_rule ? 1 : 0

  statement_id  = "AllowExecutionForLambda-events"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[0].arn
}
