# Alarms that do not flap: each needs every period of its time to be bad. docs/deploy-terraform.md of mooring says what to
# do about each.

locals {
  rate    = try(regex("^rate\\(([0-9]+) (minute|hour)", var.schedule_expression), ["1", "minute"])
  period  = var.alarm_period == null ? tonumber(local.rate[0]) * (local.rate[1] == "hour" ? 3600 : 60) : var.alarm_period
  watched = var.create_alarms && var.schedule_enabled
  # Alarms of a binding need the function's metrics.
  alarmed = var.create_alarms && lookup(var.environment_variables, "MOORING_METRICS", "basic") != "none" ? local.keys : []
  # An hour of removals that are held, in periods of 5 minutes or of the schedule.
  held_period = max(300, local.period)
}

# Nothing at all counts as bad here: a function that is not invoked has no metric.
resource "aws_cloudwatch_metric_alarm" "no_round" {
  count = local.watched ? 1 : 0

  alarm_name          = "${local.name}-no-round"
  alarm_description   = "No round of ${local.name} came through 5 times in a row. Targets stay as they are, and new addresses get no traffic. Look into the log group ${local.log_group}."
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags

  metric_query {
    id          = "through"
    expression  = "invocations - errors"
    label       = "Rounds that came through"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { invocations = "Invocations", errors = "Errors" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value
        dimensions  = { FunctionName = local.name }
        period      = local.period
        stat        = "Sum"
      }
    }
  }

  lifecycle {
    precondition {
      condition     = startswith(var.schedule_expression, "rate(") || var.alarm_period != null
      error_message = "How long it is from one round to the next is not seen in cron(...): give alarm_period, or set create_alarms = false."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "not_scheduled" {
  count = local.watched ? 1 : 0

  alarm_name          = "${local.name}-not-scheduled"
  alarm_description   = "${local.name} was not invoked for 5 periods: its schedule is disabled or deleted, may not invoke it, or the account has no concurrency left."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = local.name }
  statistic           = "Sum"
  period              = local.period
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = 5
  datapoints_to_alarm = 5
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

# That nothing is known of a binding is what the two above tell. The next two end with it: else one that rings would ring on
# for ever after its schedule was switched off, and CloudFormation's template, which asks for all bindings at once, could
# never forget one that is gone. So silence is never all that is seen: within 5 periods no-round rings in their place.
resource "aws_cloudwatch_metric_alarm" "failing" {
  for_each = { for i, key in local.alarmed : key => i }

  alarm_name          = "${local.name}-failing-${local.names[each.value]}"
  alarm_description   = "Every round of ${local.names[each.value]} failed or was in doubt, 10 times in a row. Nobody leaves meanwhile, but new addresses may get no traffic. The report in ${local.log_group} says why, under error or inconclusive."
  namespace           = "Mooring"
  metric_name         = "RoundFailures"
  dimensions          = { Binding = local.names[each.value], TargetGroup = local.groups[each.value] }
  statistic           = "Minimum"
  period              = local.period
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "held" {
  for_each = { for i, key in local.alarmed : key => i }

  alarm_name          = "${local.name}-held-${local.names[each.value]}"
  alarm_description   = "${local.names[each.value]} keeps targets for an hour that are no longer behind the name. The report in ${local.log_group} says which guard keeps each, under held."
  namespace           = "Mooring"
  metric_name         = "HeldRemovals"
  dimensions          = { Binding = local.names[each.value], TargetGroup = local.groups[each.value] }
  statistic           = "Minimum"
  period              = local.held_period
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = max(1, floor(3600 / local.held_period))
  datapoints_to_alarm = max(1, floor(3600 / local.held_period))
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}
