# What the function is told: the bindings as mooring's configuration, or the environment of the function that it replaces.

locals {
  # Whether the inputs of older modules are used. Their function kept its state in a bucket, below the load balancer's name:
  # with both given, the environment is that function's, and mooring takes over what it finds there.
  older_used = var.alb_dns_name != null || length(var.target_fqdn) > 0 || var.nlb_target_group_arn != null || var.target_group_arn != null
  replaces   = length(var.bindings) == 0 && var.alb_dns_name != null && var.status_s3_bucket != null

  older_group = var.nlb_target_group_arn == null ? var.target_group_arn : var.nlb_target_group_arn
  older_port  = var.alb_listener_port == null && var.alb_dns_name != null ? 443 : var.alb_listener_port
  resolvers   = [for r in split(" ", replace(var.dns_servers, ",", " ")) : r if r != ""]
  older = {
    name         = null
    hostname     = var.alb_dns_name
    hostnames    = var.target_fqdn
    port         = local.older_port
    target_group = local.older_group == null ? "" : local.older_group # the function's precondition says that it is missing
    max_lookups  = var.max_lookup_per_invocation
    misses       = var.invocations_before_deregistration
    resolver     = length(local.resolvers) == 0 ? null : local.resolvers

    write_legacy_state = var.write_legacy_state
  }

  # One of each, whether known yet or not: what is counted by must be known before anything is made.
  said = concat(
    [for b in var.bindings : { for k, v in b : k => v if v != null }],
    [for n in range(length(var.bindings) == 0 ? 1 : 0) : { for k, v in local.older : k => v if v != null }],
  )
  keys = length(var.bindings) == 0 ? ["0"] : [for i, b in var.bindings : b.name == null ? tostring(i) : b.name]

  # targetgroup/NAME/ID, as in AWS's metrics. A binding without a name is called by the group's, and the port.
  groups = [for b in local.said : try(regex("targetgroup/[^/]+/[^/]+$", b.target_group), "targetgroup//")]
  names = [
    for i, b in local.said : try(b.name, join("-", compact([split("/", local.groups[i])[1], try(tostring(b.port), "")])))
  ]

  bindings = [
    for i, b in local.said : merge(
      { for k, v in b : k => v if k != "hostnames" },
      { name = local.names[i], hostname = distinct(concat([for h in [try(b.hostname, "")] : h if h != ""], b.hostnames)) },
    )
  ]
  defaults = merge(
    { memory = "s3://${local.bucket}/${var.memory_prefix}" },
    { for k, v in var.defaults : k => v if v != null },
  )

  # Every binding with all that holds for it, for the policy.
  whole = [for i, b in local.bindings : merge(
    { mode = "sync", role_arn = "", memory_role_arn = "", memory_sse = "none", memory_owner = "", notify = [], port = "*", write_legacy_state = "none" }, local.defaults, b,
    { group = local.groups[i] }, local.replaces ? { memory = "s3://${local.bucket}/${var.alb_dns_name}" } : {},
  )]
  has_interval = anytrue([for b in concat(var.bindings, [var.defaults]) : b.interval != null])

  config           = jsonencode({ defaults = local.defaults, bindings = local.bindings })
  config_in_bucket = length(var.bindings) > 0 && (var.config_in_bucket == null ? length(var.bindings) > 6 : var.config_in_bucket)
  # Another configuration is another object, so that no running instance goes on with the old one.
  config_key = "mooring/config/${local.name}-${substr(sha256(local.config), 0, 16)}.json"

  environment = merge(
    local.replaces ? {
      ALB_DNS_NAME                      = var.alb_dns_name
      ALB_LISTENER                      = tostring(local.older_port)
      S3_BUCKET                         = local.bucket
      NLB_TG_ARN                        = local.older_group
      MAX_LOOKUP_PER_INVOCATION         = tostring(var.max_lookup_per_invocation)
      INVOCATIONS_BEFORE_DEREGISTRATION = tostring(var.invocations_before_deregistration)
      CW_METRIC_FLAG_IP_COUNT           = tostring(var.enable_cloudwatch_metrics)
      } : {
      MOORING_CONFIG = local.config_in_bucket ? "s3://${local.bucket}/${local.config_key}" : local.config
    },
    local.replaces && length(local.resolvers) > 0 ? { MOORING_RESOLVER = join(",", local.resolvers) } : {},
    local.replaces ? { for k, v in local.replacing : "MOORING_${upper(k)}" => v } : {},
    local.replaces && var.write_legacy_state != null ? { MOORING_WRITE_LEGACY_STATE = var.write_legacy_state } : {},
    var.environment_variables,
  )

  # Of the defaults, what the older function's environment has no variable for.
  replacing = { for k, v in var.defaults : k => try(join(",", v), tostring(v)) if v != null }
}

resource "aws_s3_object" "config" {
  count = local.config_in_bucket ? 1 : 0

  bucket       = local.bucket
  key          = local.config_key
  content      = local.config
  content_type = "application/json"
  tags         = var.tags

  # The old one goes when nobody reads it any more.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_s3_bucket_policy.memory]
}
