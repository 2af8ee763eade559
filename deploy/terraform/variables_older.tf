# The inputs of older modules, under their own names, so that moving is a change of `source`. README.md has whose they are.

variable "alb_dns_name" {
  description = "Of one binding: the DNS name of the Application Load Balancer."
  type        = string
  default     = null

  validation {
    condition     = alltrue([for h in [for h in [var.alb_dns_name] : h == null ? "" : trimsuffix(trimspace(h), ".")] : length(h) <= 253 && can(regex("^$|^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?[.])*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$", h)) && !can(regex("^([0-9]+[.]){3}[0-9]+$", h))])
    error_message = "The alb_dns_name must be one bare DNS name, such as app.example.com: letters, digits, hyphens and underscores between dots, and no address, port or pattern."
  }
}

variable "target_fqdn" {
  description = "Of one binding: the names to resolve, where they are not a load balancer's."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for h in [for h in var.target_fqdn : h == null ? "" : trimsuffix(trimspace(h), ".")] : length(h) <= 253 && can(regex("^$|^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?[.])*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$", h)) && !can(regex("^([0-9]+[.]){3}[0-9]+$", h))])
    error_message = "Each of target_fqdn must be one bare DNS name, such as app.example.com: letters, digits, hyphens and underscores between dots, and no address, port or pattern."
  }
}

variable "nlb_target_group_arn" {
  description = "Of one binding: the target group, by the name that modules for load balancers have for it."
  type        = string
  default     = null

  validation {
    condition     = var.nlb_target_group_arn == null ? true : can(regex("^arn:[a-z0-9-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]+/[0-9a-f]+$", var.nlb_target_group_arn))
    error_message = "The nlb_target_group_arn must be the ARN of one target group, arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID."
  }
}

variable "target_group_arn" {
  description = "Of one binding: the target group, by the name that modules for other names have for it."
  type        = string
  default     = null

  validation {
    condition     = var.target_group_arn == null ? true : can(regex("^arn:[a-z0-9-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]+/[0-9a-f]+$", var.target_group_arn))
    error_message = "The target_group_arn must be the ARN of one target group, arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID."
  }
}

variable "alb_listener_port" {
  description = "Of one binding: the port of the targets. With `alb_dns_name` it is 443 where it is not given, else the group's own."
  type        = number
  default     = null

  validation {
    condition     = var.alb_listener_port == null ? true : (var.alb_listener_port >= 1 && var.alb_listener_port <= 65535)
    error_message = "The port must be from 1 to 65535."
  }
}

variable "max_lookup_per_invocation" {
  description = "Of one binding: the most DNS questions in a round."
  type        = number
  default     = 50

  validation {
    condition     = var.max_lookup_per_invocation >= 1 && var.max_lookup_per_invocation <= 10000
    error_message = "The most DNS questions in a round must be from 1 to 10000."
  }
}

variable "invocations_before_deregistration" {
  description = "Of one binding: the rounds in a row without an address before it may leave."
  type        = number
  default     = 3

  validation {
    condition     = var.invocations_before_deregistration >= 1 && var.invocations_before_deregistration <= 1000
    error_message = "The rounds before an address may leave must be from 1 to 1000."
  }
}

variable "enable_cloudwatch_metrics" {
  description = "Of one binding with `alb_dns_name`: put the metric LoadBalancerIPCount of the older function too, for alarms that watch it."
  type        = bool
  default     = true
}

variable "write_legacy_state" {
  description = "Of one binding: whose state is kept true after each round, so that going back to that function is one step: v1 (AWS's of 2018), v2 (of 2021), v3 (hostname-as-target of 2020; not with `alb_dns_name` and `status_s3_bucket`), or none."
  type        = string
  default     = null

  validation {
    condition     = contains(["v1", "v2", "v3", "none"], var.write_legacy_state == null ? "none" : var.write_legacy_state)
    error_message = "The write_legacy_state must be v1, v2, v3 or none."
  }
}

variable "dns_servers" {
  description = "Of one binding: resolvers to start from, with spaces or commas between them."
  type        = string
  default     = ""
}

variable "lambda_job_identifier" {
  description = "Only to move from the trussworks module: the function is named NAME-IDENTIFIER and its role lambda-NAME-IDENTIFIER, as there."
  type        = string
  default     = null

  validation {
    condition     = var.lambda_job_identifier == null ? true : can(regex("^[A-Za-z0-9_-]*$", var.lambda_job_identifier))
    error_message = "The lambda_job_identifier must be letters, digits, hyphens and underscores: it is part of the function's name."
  }
}

variable "lambda_s3_bucket" {
  description = "The same as `package_bucket`, by its name in the trussworks module."
  type        = string
  default     = null
}

variable "lambda_s3_key" {
  description = "The same as `package_key`, by its name in the trussworks module."
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "The same as `vpc_config.subnet_ids`, as older modules have it."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "The same as `vpc_config.security_group_ids`, as older modules have it."
  type        = list(string)
  default     = []
}
