# Two ports of one load balancer, each with its own target group, made here. One function keeps both. The archive comes from
# a bucket, and EventBridge's older rules invoke it.

variable "alb_dns_name" {
  description = "DNS name of the Application Load Balancer."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the Network Load Balancer."
  type        = string
}

variable "package_bucket" {
  description = "Bucket that holds the function's archive."
  type        = string
}

locals {
  ports = [80, 443]
}

resource "aws_lb_target_group" "web" {
  for_each = { for port in local.ports : tostring(port) => port }

  name        = "web-${each.key}"
  target_type = "ip"
  protocol    = "TCP"
  port        = each.value
  vpc_id      = var.vpc_id
}

module "mooring" {
  source = "../.."

  name           = "mooring-web"
  package_bucket = var.package_bucket
  package_key    = "mooring/mooring-lambda-arm64.zip"
  schedule_type  = "rule"

  bindings = [for port in local.ports : {
    name         = "web-${port}"
    hostname     = var.alb_dns_name
    port         = port
    target_group = aws_lb_target_group.web[tostring(port)].arn
  }]
}

output "alarms" {
  description = "ARNs of the alarms, by their names."
  value       = module.mooring.alarm_arns
}
