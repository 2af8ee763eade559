# What the function may do: no more than its bindings need, as `mooring iam-policy --for function` prints it too. README.md of
# mooring has each permission's reason.

locals {
  # A binding with a role of its own makes its calls by that one, and the function only assumes it. The memory's calls go
  # by the same role, unless it has one too, or says none.
  direct = [for b in local.whole : b if b.role_arn == ""]
  stored = [
    for b in local.whole : merge(b, {
      bucket = regex("^s3://([^/]+)", b.memory)[0]
      prefix = try(regex("^s3://[^/]+/(.*?)/*$", b.memory)[0], "")
      called = try(trimsuffix(trimspace(b.hostname[0]), "."), "") # as older functions have it in their names of objects
    })
    if startswith(b.memory, "s3://") && (b.memory_role_arn == "none" || (b.memory_role_arn == "" && b.role_arn == ""))
  ]
  roles = distinct(concat(
    [for b in local.whole : b.role_arn if b.role_arn != ""],
    [for b in local.whole : b.memory_role_arn if !contains(["", "none"], b.memory_role_arn) && startswith(b.memory, "s3://")],
  ))
  told    = distinct(flatten([for b in local.direct : b.notify if b.mode != "observe"]))
  regions = distinct([for b in local.direct : try(split(":", b.target_group)[3], "")])
  owners  = distinct([for b in local.stored : b.memory_owner])
  # The state that is kept true for an older function is in the memory's bucket, under that function's own names.
  kept = flatten([for b in local.stored : [
    for key in lookup({
      v1 = [
        "${b.called}-active-registered-IPs/Active IP list of ${b.called}.json",
        "${b.called}-pending-deregisteration-IPs/Pending deregisteration IP list of ${b.called}.json",
      ]
      v2 = ["${b.called}/active_ip.json", "${b.called}/pending_ip.json"]
      v3 = ["Tracked IP list for ${b.called} - ${replace(b.target_group, "/", "-")}"]
    }, b.write_legacy_state, []) : { owner = b.memory_owner, object = "${b.bucket}/${key}" }
  ]])
  # The configuration is encrypted as the bucket says.
  encrypted = concat([for b in local.stored : b.memory_sse], local.config_in_bucket ? ["none"] : [])
  memory_keys = distinct(concat(
    [for sse in local.encrypted : var.kms_key_arn if var.kms_key_arn != null && local.make_bucket && sse == "none"],
    [for b in local.stored : trimprefix(b.memory_sse, "aws:kms:") if startswith(b.memory_sse, "aws:kms:arn:")],
  ))
  failure_action = {
    sqs    = "sqs:SendMessage"
    sns    = "sns:Publish"
    lambda = "lambda:InvokeFunction"
    events = "events:PutEvents"
    s3     = "s3:PutObject"
  }
  failure_service = var.failure_destination_arn == null ? "" : split(":", var.failure_destination_arn)[2]

  # Each with what it is about. Those about nothing are left out.
  statements = concat(
    [
      {
        Sid = "ReadGroups" # AWS has no resources for these
        Action = [
          "elasticloadbalancing:DescribeTargetHealth",
          "elasticloadbalancing:DescribeTargetGroups",
          "elasticloadbalancing:DescribeTargetGroupAttributes",
          "elasticloadbalancing:DescribeLoadBalancers",
          "ec2:DescribeSubnets",
        ]
        Resource  = length(local.direct) > 0 ? ["*"] : []
        Condition = { StringEquals = { "aws:RequestedRegion" = local.regions } }
      },
      {
        Sid      = "ChangeTargets"
        Action   = ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"]
        Resource = distinct([for b in local.direct : b.target_group if b.mode == "sync" && b.memory != "none"])
      },
      {
        Sid      = "AddTargets" # without a memory nobody leaves
        Action   = ["elasticloadbalancing:RegisterTargets"]
        Resource = distinct([for b in local.direct : b.target_group if b.mode == "add-only" || (b.mode == "sync" && b.memory == "none")])
      },
      {
        Sid    = "ReadOlderState" # of AWS's function of 2021, of that of 2018 with its misspelling, and of two copies of it
        Action = ["s3:GetObject"]
        Resource = [for key in [
          "${local.older_name}/active_ip.json",
          "${local.older_name}/pending_ip.json",
          "${local.older_name}-active-registered-IPs/Active IP list of ${local.older_name}.json",
          "${local.older_name}-pending-deregisteration-IPs/Pending deregisteration IP list of ${local.older_name}.json",
          "${local.older_base}/active.json",
          "${local.older_base}/pending.json",
          "${local.older_base}/Active IP list of ${local.older_name}.json",
          "${local.older_base}/Pending deregistration IP list of ${local.older_name}.json",
        ] : "arn:${local.partition}:s3:::${local.bucket}/${key}" if local.replaces && length(local.stored) > 0]
      },
      {
        Sid      = "ReadConfiguration"
        Action   = ["s3:GetObject"]
        Resource = local.config_in_bucket ? ["arn:${local.partition}:s3:::${local.bucket}/${local.config_key}"] : []
      },
      {
        Sid       = "PutOldMetric" # AWS has no resources for this
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = local.replaces && var.enable_cloudwatch_metrics && length([for b in local.direct : b if b.mode != "observe"]) > 0 ? ["*"] : []
        Condition = { StringEquals = { "cloudwatch:namespace" = ["AWS/ApplicationELB"] } }
      },
      {
        Sid      = "PublishChanges"
        Action   = ["sns:Publish"]
        Resource = [for n in local.told : trimprefix(n, "sns:") if startswith(n, "sns:")]
      },
      {
        Sid    = "PutEvents"
        Action = ["events:PutEvents"]
        Resource = [
          for bus in [for n in local.told : trimprefix(n, "eventbridge:") if startswith(n, "eventbridge:")] :
          startswith(bus, "arn:") ? bus : "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/${bus}"
        ]
      },
      {
        Sid      = "AssumeRoles"
        Action   = ["sts:AssumeRole"]
        Resource = local.roles
      },
      {
        Sid      = "WriteLogs"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.log_group}:*"]
      },
      {
        Sid       = "ReadVariables" # by Lambda alone
        Action    = ["kms:Decrypt"]
        Resource  = [for key in [var.kms_key_arn] : key if key != null]
        Condition = { StringEquals = { "kms:ViaService" = ["lambda.${local.region}.${data.aws_partition.current.dns_suffix}"] } }
      },
      {
        Sid = "JoinVPC" # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
        Action = [
          "ec2:CreateNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSubnets",
          "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses",
          "ec2:UnassignPrivateIpAddresses",
        ]
        Resource = length(local.subnets) > 0 ? ["*"] : []
      },
      {
        Sid    = "JoinVPCByLambdaOnly" # and not by the function's code: the same page
        Effect = "Deny"
        Action = [
          "ec2:CreateNetworkInterface",
          "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses",
          "ec2:UnassignPrivateIpAddresses",
        ]
        Resource  = length(local.subnets) > 0 ? ["*"] : []
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = [local.function_arn] } }
      },
      {
        Sid      = "TellOfFailures"
        Action   = [lookup(local.failure_action, local.failure_service, "none")]
        Resource = [for arn in [var.failure_destination_arn] : local.failure_service == "s3" ? "${arn}/*" : arn if arn != null]
      },
    ],
    [for i, owner in local.owners : merge(
      {
        Sid    = "KeepMemory${i}"
        Action = ["s3:GetObject", "s3:PutObject"]
        Resource = distinct([
          for b in local.stored :
          "arn:${local.partition}:s3:::${b.bucket}/${join("/", compact([b.prefix, "mooring", trimprefix(b.group, "targetgroup/"), "${b.port}.json"]))}"
          if b.memory_owner == owner
        ])
      },
      { for o in [owner] : "Condition" => { StringEquals = { "s3:ResourceAccount" = [o] } } if o != "" },
    )],
    [for i, owner in local.owners : merge(
      {
        Sid      = "WriteOlderState${i}"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = [for k in local.kept : "arn:${local.partition}:s3:::${k.object}" if k.owner == owner]
      },
      { for o in [owner] : "Condition" => { StringEquals = { "s3:ResourceAccount" = [o] } } if o != "" },
    )],
    [for i, key in local.memory_keys : {
      Sid       = "UseKey${i}" # by S3 alone
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = [key]
      Condition = { StringEquals = { "kms:ViaService" = ["s3.${split(":", key)[3]}.${data.aws_partition.current.dns_suffix}"] } }
    }],
  )
  older_name = var.alb_dns_name == null ? "" : var.alb_dns_name
  older_base = local.older_group == null ? "" : "${local.older_group}/${local.older_name}"

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for s in local.statements : merge({ Effect = "Allow" }, s) if length(s.Resource) > 0]
  })
  role_name = var.role_name != null ? var.role_name : var.lambda_job_identifier == null ? local.name : "lambda-${local.name}"
}

resource "aws_iam_role" "function" {
  count = var.create_role ? 1 : 0

  name                 = local.role_name
  description          = "What the function ${local.name} may do"
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  count = var.create_role ? 1 : 0

  name   = local.role_name
  role   = aws_iam_role.function[0].id
  policy = local.policy

  lifecycle {
    precondition {
      condition     = length(local.policy) <= 10240 # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
      error_message = "The policy is longer than a role's may be, 10240 characters. Share the bindings among several instances of the module, or give role_arn a role with the managed policies of `mooring iam-policy`."
    }
  }
}
