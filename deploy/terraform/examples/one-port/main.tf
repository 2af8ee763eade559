# One Application Load Balancer behind the static addresses of a Network Load Balancer, on one port.

variable "alb_dns_name" {
  description = "DNS name of the Application Load Balancer."
  type        = string
}

variable "target_group_arn" {
  description = "The Network Load Balancer's target group: target type ip, protocol TCP."
  type        = string
}

variable "alarm_topic_arn" {
  description = "SNS topic that is told of alarms."
  type        = string
}

module "mooring" {
  source = "../.."

  package_file  = "${path.root}/mooring-lambda-arm64.zip" # of `make lambda`
  alarm_actions = [var.alarm_topic_arn]

  bindings = [{
    name         = "web-443"
    hostname     = var.alb_dns_name
    port         = 443
    target_group = var.target_group_arn
  }]
}

output "function" {
  description = "Name of the function that keeps the target group."
  value       = module.mooring.function_name
}
