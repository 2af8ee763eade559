# ---- what is kept in step: bindings, or else the inputs of variables_older.tf, which make one ----

variable "bindings" {
  description = "Names and the target groups to keep in step with them. The attributes are the keys of mooring's configuration file, and those left out have its defaults; `hostnames` are further names of the same group. Leave it empty to use the inputs of older modules."
  type = list(object({
    name               = optional(string)
    hostname           = optional(string)
    hostnames          = optional(list(string), [])
    port               = optional(number)
    target_group       = string
    memory             = optional(string)
    memory_sse         = optional(string)
    memory_role_arn    = optional(string)
    memory_external_id = optional(string)
    memory_region      = optional(string)
    memory_owner       = optional(string)
    mode               = optional(string)
    dns                = optional(string)
    answers            = optional(string)
    resolver           = optional(list(string))
    max_lookups        = optional(number)
    interval           = optional(string)
    misses             = optional(number)
    hold               = optional(string)
    miss_probability   = optional(number)
    max_leave          = optional(string)
    min_targets        = optional(number)
    adopt              = optional(string)
    zone               = optional(string)
    admit              = optional(list(string))
    notify             = optional(list(string))
    write_legacy_state = optional(string)
    role_arn           = optional(string)
    external_id        = optional(string)
    region             = optional(string)
  }))
  default = []

  validation {
    condition     = alltrue([for b in var.bindings : b.hostname != null || length(b.hostnames) > 0])
    error_message = "Each binding needs hostname, or hostnames."
  }

  validation {
    condition     = alltrue([for b in var.bindings : can(regex("^arn:[a-z0-9-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/[A-Za-z0-9-]+/[0-9a-f]+$", b.target_group))])
    error_message = "Each binding's target_group must be the ARN of a target group. The function is no load balancer, so tcp:// is not for it."
  }

  validation {
    condition     = alltrue([for b in var.bindings : b.port == null ? true : (b.port >= 1 && b.port <= 65535 && floor(b.port) == b.port)])
    error_message = "A binding's port must be a whole number from 1 to 65535."
  }

  validation {
    condition     = alltrue([for b in var.bindings : contains(["sync", "add-only", "observe"], b.mode == null ? "sync" : b.mode)])
    error_message = "A binding's mode must be sync, add-only or observe."
  }

  validation {
    condition     = alltrue([for b in var.bindings : can(regex("^(s3://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[^*?$]*)?|none)$", b.memory == null ? "none" : b.memory))])
    error_message = "A binding's memory must be s3://BUCKET[/PREFIX] or none, with the name of one bucket and a prefix without the letters that have a meaning in a policy: * ? $. The function has no disk that stays."
  }

  validation {
    condition     = alltrue([for b in var.bindings : can(regex("^(none|AES256|aws:kms|aws:kms:arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)$", b.memory_sse == null ? "none" : b.memory_sse))])
    error_message = "A binding's memory_sse must be none, AES256, aws:kms, or aws:kms: and the ARN of one key, which ends in key/ID: an alias has no place in a policy."
  }

  validation {
    condition     = alltrue([for b in var.bindings : contains(["v1", "v2", "v3", "none"], b.write_legacy_state == null ? "none" : b.write_legacy_state)])
    error_message = "A binding's write_legacy_state must be v1, v2, v3 or none."
  }

  validation {
    condition     = alltrue([for h in [for h in flatten([for b in var.bindings : concat([b.hostname], b.hostnames)]) : h == null ? "" : trimsuffix(trimspace(h), ".")] : length(h) <= 253 && can(regex("^$|^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?[.])*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$", h)) && !can(regex("^([0-9]+[.]){3}[0-9]+$", h))])
    error_message = "A binding's hostname, and each of its hostnames, must be one bare DNS name, such as app.example.com: letters, digits, hyphens and underscores between dots, and no address, port or pattern."
  }

  validation {
    condition     = alltrue([for b in var.bindings : b.role_arn == null || b.role_arn == "" ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", b.role_arn))])
    error_message = "A binding's role_arn must be the ARN of one role, arn:aws:iam::ACCOUNT:role/NAME. A pattern there would let the function assume other roles, too."
  }

  validation {
    condition     = alltrue([for b in var.bindings : b.memory_role_arn == null || b.memory_role_arn == "" ? true : can(regex("^(none|arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+)$", b.memory_role_arn))])
    error_message = "A binding's memory_role_arn must be none, or the ARN of one role, arn:aws:iam::ACCOUNT:role/NAME. A pattern there would let the function assume other roles, too."
  }

  validation {
    condition     = alltrue([for b in var.bindings : b.memory_owner == null || b.memory_owner == "" ? true : can(regex("^[0-9]{12}$", b.memory_owner))])
    error_message = "A binding's memory_owner must be an account: 12 digits."
  }

  validation {
    condition     = alltrue([for n in flatten([for b in var.bindings : b.notify == null ? [] : b.notify]) : can(regex("^(stdout|sns:arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?|eventbridge:(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[/._A-Za-z0-9-]+)$", n))])
    error_message = "Each of a binding's notify must be stdout, sns: and the ARN of one topic, or eventbridge: and the name or the ARN of one event bus."
  }
}

variable "defaults" {
  description = "Settings of every binding of `bindings` that does not say otherwise."
  type = object({
    memory             = optional(string)
    memory_sse         = optional(string)
    memory_role_arn    = optional(string)
    memory_external_id = optional(string)
    memory_region      = optional(string)
    memory_owner       = optional(string)
    mode               = optional(string)
    dns                = optional(string)
    answers            = optional(string)
    resolver           = optional(list(string))
    max_lookups        = optional(number)
    interval           = optional(string)
    misses             = optional(number)
    hold               = optional(string)
    miss_probability   = optional(number)
    max_leave          = optional(string)
    min_targets        = optional(number)
    adopt              = optional(string)
    zone               = optional(string)
    admit              = optional(list(string))
    notify             = optional(list(string))
    write_legacy_state = optional(string)
    role_arn           = optional(string)
    external_id        = optional(string)
    region             = optional(string)
  })
  default = {}

  validation {
    condition     = contains(["sync", "add-only", "observe"], var.defaults.mode == null ? "sync" : var.defaults.mode)
    error_message = "The mode must be sync, add-only or observe."
  }

  validation {
    condition     = can(regex("^(s3://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/[^*?$]*)?|none)$", var.defaults.memory == null ? "none" : var.defaults.memory))
    error_message = "The memory must be s3://BUCKET[/PREFIX] or none, with the name of one bucket and a prefix without the letters that have a meaning in a policy: * ? $. The function has no disk that stays."
  }

  validation {
    condition     = can(regex("^(none|AES256|aws:kms|aws:kms:arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)$", var.defaults.memory_sse == null ? "none" : var.defaults.memory_sse))
    error_message = "The memory_sse must be none, AES256, aws:kms, or aws:kms: and the ARN of one key, which ends in key/ID: an alias has no place in a policy."
  }

  validation {
    condition     = contains(["v1", "v2", "v3", "none"], var.defaults.write_legacy_state == null ? "none" : var.defaults.write_legacy_state)
    error_message = "The write_legacy_state must be v1, v2, v3 or none."
  }

  validation {
    condition     = var.defaults.role_arn == null || var.defaults.role_arn == "" ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", var.defaults.role_arn))
    error_message = "The role_arn of defaults must be the ARN of one role, arn:aws:iam::ACCOUNT:role/NAME. A pattern there would let the function assume other roles, too."
  }

  validation {
    condition     = var.defaults.memory_role_arn == null || var.defaults.memory_role_arn == "" ? true : can(regex("^(none|arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+)$", var.defaults.memory_role_arn))
    error_message = "The memory_role_arn must be none, or the ARN of one role, arn:aws:iam::ACCOUNT:role/NAME. A pattern there would let the function assume other roles, too."
  }

  validation {
    condition     = var.defaults.memory_owner == null || var.defaults.memory_owner == "" ? true : can(regex("^[0-9]{12}$", var.defaults.memory_owner))
    error_message = "The memory_owner must be an account: 12 digits."
  }

  validation {
    condition     = alltrue([for n in var.defaults.notify == null ? [] : var.defaults.notify : can(regex("^(stdout|sns:arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?|eventbridge:(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[/._A-Za-z0-9-]+)$", n))])
    error_message = "Each of notify must be stdout, sns: and the ARN of one topic, or eventbridge: and the name or the ARN of one event bus."
  }
}

# ---- memory ----

variable "status_s3_bucket" {
  description = "The bucket that remembers. With `alb_dns_name` it is where the older function kept its state, which is taken over. Null makes a bucket."
  type        = string
  default     = null

  validation {
    condition     = var.status_s3_bucket == null ? true : can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", var.status_s3_bucket))
    error_message = "The status_s3_bucket must be the name of one bucket: 3 to 63 lower-case letters, digits, dots, hyphens and underscores."
  }
}

variable "memory_prefix" {
  description = "Prefix of the memory's objects in the bucket. Not with the older function's environment (see README), whose prefix is the load balancer's name."
  type        = string
  default     = ""

  validation {
    condition     = !startswith(var.memory_prefix, "/") && !can(regex("[*?$]", var.memory_prefix))
    error_message = "The prefix must not begin with a slash, nor hold a letter that has a meaning in a policy: * ? $."
  }
}

variable "create_memory_bucket" {
  description = "Whether to make the bucket. Null: where `status_s3_bucket` is null. Say false where that one is a resource's that does not exist yet."
  type        = bool
  default     = null
}

variable "config_in_bucket" {
  description = "Whether the configuration is an object in the memory's bucket instead of a variable of the function, which holds 4 KB in all. Null: from the seventh binding on."
  type        = bool
  default     = null
}

# ---- the function ----

variable "name" {
  description = "Name of the function, and the beginning of every other name."
  type        = string
  default     = "mooring"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,40}$", var.name))
    error_message = "The name must be 1 to 40 letters, digits, hyphens and underscores."
  }
}

variable "package_file" {
  description = "The function's archive as a local file: dist/mooring-lambda-arm64.zip of `make lambda`."
  type        = string
  default     = null
}

variable "package_bucket" {
  description = "The bucket that holds the function's archive, in the function's Region."
  type        = string
  default     = null
}

variable "package_key" {
  description = "The archive's key in that bucket."
  type        = string
  default     = null
}

variable "package_version" {
  description = "The version of that object, so that a new archive under the same key is noticed."
  type        = string
  default     = null
}

variable "architecture" {
  description = "What the archive is built for: arm64 or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture must be arm64 or x86_64."
  }
}

variable "memory_size" {
  description = "Memory of the function in MB. A share of a processor comes with it."
  type        = number
  default     = 256

  validation {
    condition     = var.memory_size >= 128 && var.memory_size <= 10240
    error_message = "The memory must be from 128 to 10240 MB."
  }
}

variable "timeout" {
  description = "Seconds that an invocation may take. Null: 60, and 75 where an `interval` is set, for no round begins in the last 15."
  type        = number
  default     = null

  validation {
    condition     = var.timeout == null ? true : (var.timeout >= 15 && var.timeout <= 900)
    error_message = "The timeout must be from 15 to 900 seconds: a round needs 9 and more."
  }
}

variable "environment_variables" {
  description = "Further variables of the function, such as MOORING_METRICS = \"all\"."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.environment_variables), "MOORING_CONFIG")
    error_message = "MOORING_CONFIG is made of bindings and defaults."
  }
}

variable "reserved_concurrency" {
  description = "Executions at a time that are set aside for the function. Null reserves none: rounds that overlap are safe. 0 stops the function."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 0
    error_message = "The concurrency must be 0 or more."
  }
}

variable "vpc_config" {
  description = "Subnets and security groups to run in, for names that only a VPC's resolver knows. The subnets need a way to AWS's APIs."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null
}

variable "failure_destination_arn" {
  description = "SQS queue, SNS topic, Lambda function, event bus or S3 bucket that is told of every invocation that failed."
  type        = string
  default     = null

  validation {
    condition     = var.failure_destination_arn == null ? true : can(regex("^arn:[a-z0-9-]+:((sqs|sns):[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\\.fifo)?|lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+|:\\$LATEST)?|events:[a-z0-9-]+:[0-9]{12}:event-bus/[/._A-Za-z0-9-]+|s3:::[a-z0-9][a-z0-9._-]{1,61}[a-z0-9])$", var.failure_destination_arn))
    error_message = "The failure destination must be the ARN of one SQS queue, SNS topic, Lambda function, event bus or S3 bucket."
  }
}

variable "log_retention_days" {
  description = "Days that the log is kept; 0 keeps it for ever."
  type        = number
  default     = 30

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch Logs keeps for 0 (for ever), 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the function's variables, its log group, and the bucket where the module makes it. Its policy must let CloudWatch Logs use it. Null: AWS's own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "The key must be given by its ARN, arn:aws:kms:REGION:ACCOUNT:key/ID: an alias has no place in a policy."
  }
}

# ---- permissions ----

variable "create_role" {
  description = "Whether to make the function's role. Without it `role_arn` must be given, and it must be allowed what the output `policy_json` holds."
  type        = bool
  default     = true
}

variable "role_arn" {
  description = "The function's role where `create_role` is false."
  type        = string
  default     = null

  validation {
    condition     = var.role_arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$", var.role_arn))
    error_message = "The role_arn must be the ARN of one role, arn:aws:iam::ACCOUNT:role/NAME."
  }
}

variable "role_name" {
  description = "Name of the function's role. Null: the function's name, or lambda-NAME-IDENTIFIER with `lambda_job_identifier`."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles that the module makes."
  type        = string
  default     = null
}

# ---- schedule ----

variable "schedule_expression" {
  description = "When rounds run. mooring is meant to run each minute."
  type        = string
  default     = "rate(1 minute)"

  validation {
    condition     = can(regex("^rate\\((1 (minute|hour)|[1-9][0-9]* (minutes|hours))\\)$", var.schedule_expression)) || can(regex("^cron\\(.+\\)$", var.schedule_expression))
    error_message = "The schedule must be rate(1 minute), rate(N minutes), rate(1 hour), rate(N hours) or cron(...)."
  }
}

variable "schedule_type" {
  description = "scheduler (EventBridge Scheduler, which AWS recommends) or rule (an EventBridge rule, as older modules have it; needs no role)."
  type        = string
  default     = "scheduler"

  validation {
    condition     = contains(["scheduler", "rule"], var.schedule_type)
    error_message = "The schedule_type must be scheduler or rule."
  }
}

variable "schedule_role_arn" {
  description = "Role by which EventBridge Scheduler invokes the function, where `create_role` is false and `schedule_type` is scheduler."
  type        = string
  default     = null
}

variable "schedule_enabled" {
  description = "Whether the schedule runs. While it does not, no alarm tells of missing rounds."
  type        = bool
  default     = true
}

# ---- alarms ----

variable "create_alarms" {
  description = "Whether to make the alarms."
  type        = bool
  default     = true
}

variable "alarm_actions" {
  description = "ARNs that are told when an alarm goes off, and when it is over: SNS topics, mostly."
  type        = list(string)
  default     = []
}

variable "alarm_period" {
  description = "Seconds between two rounds, by which the alarms count. Null: as `schedule_expression` says, for which it must be a rate."
  type        = number
  default     = null

  validation {
    condition     = var.alarm_period == null ? true : (var.alarm_period >= 60 && var.alarm_period % 60 == 0)
    error_message = "The period must be a multiple of 60 seconds."
  }
}

variable "tags" {
  description = "Tags of everything that the module makes."
  type        = map(string)
  default     = {}
}
