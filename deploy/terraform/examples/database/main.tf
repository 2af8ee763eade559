# The writer of a database cluster, whose name has one holder at a time: rounds every 5 seconds, and whoever gave the name
# up leaves at once. The function runs in the VPC, whose resolver knows the name.

variable "cluster_endpoint" {
  description = "The cluster's writer endpoint."
  type        = string
}

variable "target_group_arn" {
  description = "The Network Load Balancer's target group."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets with a way to AWS's APIs."
  type        = list(string)
}

variable "security_group_id" {
  description = "Security group that lets DNS and HTTPS out."
  type        = string
}

module "mooring" {
  source = "../.."

  name         = "mooring-shop-writer"
  package_file = "${path.root}/mooring-lambda-arm64.zip"

  vpc_config = {
    subnet_ids         = var.subnet_ids
    security_group_ids = [var.security_group_id]
  }

  bindings = [{
    name         = "shop-writer"
    hostname     = var.cluster_endpoint
    port         = 5432
    target_group = var.target_group_arn
    answers      = "whole"
    interval     = "5s"
  }]
}

output "policy" {
  description = "What the function is allowed."
  value       = module.mooring.policy_json
}
