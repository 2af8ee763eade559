output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "role_arn" {
  description = "ARN of the function's role, made or given."
  value       = var.create_role ? aws_iam_role.function[0].arn : var.role_arn
}

output "role_name" {
  description = "Name of the function's role where the module makes it, else null."
  value       = var.create_role ? aws_iam_role.function[0].name : null
}

output "policy_json" {
  description = "What the function's role is allowed, or must be where it is given."
  value       = local.policy
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = aws_cloudwatch_log_group.function.name
}

output "memory_bucket" {
  description = "Name of the bucket that remembers, made or given."
  value       = local.bucket
}

output "alarm_arns" {
  description = "ARNs of the alarms, by their names."
  value = {
    for a in concat(
      aws_cloudwatch_metric_alarm.no_round, aws_cloudwatch_metric_alarm.not_scheduled,
      values(aws_cloudwatch_metric_alarm.failing), values(aws_cloudwatch_metric_alarm.held),
    ) : a.alarm_name => a.arn
  }
}

output "schedule_arn" {
  description = "ARN of the schedule or of the rule."
  value       = local.by_scheduler ? aws_scheduler_schedule.this[0].arn : aws_cloudwatch_event_rule.schedule[0].arn
}
