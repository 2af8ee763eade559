# The smallest stack in which docs/assumptions.md can be tried: two internal load balancers in a VPC of their own, which
# nothing leads to or from, two target groups, a bucket and a role. `make e2e` builds it, and tears it down.

locals {
  name   = "mooring-e2e"
  range  = "10.83.0.0/16" # cmd/internal/e2e knows it
  listen = 80
}

data "aws_availability_zones" "all" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "this" {
  cidr_block = local.range

  tags = {
    Name = local.name
  }
}

resource "aws_subnet" "this" {
  count = 2

  vpc_id            = aws_vpc.this.id
  cidr_block        = cidrsubnet(local.range, 8, count.index)
  availability_zone = data.aws_availability_zones.all.names[count.index]

  tags = {
    Name = "${local.name}-${count.index}"
  }
}

resource "aws_security_group" "balancer" {
  name_prefix = "${local.name}-"
  description = "The VPC's own traffic to the Application Load Balancer"
  vpc_id      = aws_vpc.this.id

  ingress {
    description = "health checks of the Network Load Balancer"
    from_port   = local.listen
    to_port     = local.listen
    protocol    = "tcp"
    cidr_blocks = [local.range]
  }
}

# The name that would be moored. It has no targets of its own, and answers by itself.
resource "aws_lb" "application" {
  name               = "${local.name}-alb"
  internal           = true
  load_balancer_type = "application"
  security_groups    = [aws_security_group.balancer.id]
  subnets            = aws_subnet.this[*].id

  dynamic "minimum_load_balancer_capacity" {
    for_each = var.reserved_lcus > 0 ? [var.reserved_lcus] : []

    content {
      capacity_units = minimum_load_balancer_capacity.value
    }
  }

  timeouts {
    create = "120m" # cmd/internal/e2e knows it
    update = "120m"
    delete = "20m"
  }
}

resource "aws_lb_listener" "application" {
  load_balancer_arn = aws_lb.application.arn
  port              = local.listen
  protocol          = "HTTP"

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = local.name
      status_code  = "200"
    }
  }
}

# The load balancer whose target group would hold the addresses of the other.
resource "aws_lb" "network" {
  name               = "${local.name}-nlb"
  internal           = true
  load_balancer_type = "network"
  subnets            = aws_subnet.this[*].id
}

resource "aws_lb_listener" "network" {
  load_balancer_arn = aws_lb.network.arn
  port              = local.listen
  protocol          = "TCP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.attached.arn
  }
}

resource "aws_lb_target_group" "attached" {
  name                 = "${local.name}-attached"
  target_type          = "ip"
  protocol             = "TCP"
  port                 = local.listen
  vpc_id               = aws_vpc.this.id
  deregistration_delay = 60

  health_check {
    protocol = "TCP"
    interval = 10
  }
}

# Used by no listener: what is registered here harms nobody.
resource "aws_lb_target_group" "scratch" {
  name                 = "${local.name}-scratch"
  target_type          = "ip"
  protocol             = "TCP"
  port                 = 443
  vpc_id               = aws_vpc.this.id
  deregistration_delay = 0
}

resource "aws_s3_bucket" "memory" {
  bucket_prefix = "${local.name}-"
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "memory" {
  bucket = aws_s3_bucket.memory.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Whose sessions are given a part of what it may do: to read a missing object without s3:ListBucket, and to register
# targets without any other permission.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = [var.account]
    }
  }
}

data "aws_iam_policy_document" "sessions" {
  statement {
    actions   = ["elasticloadbalancing:RegisterTargets"]
    resources = [aws_lb_target_group.scratch.arn]
  }

  statement {
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.memory.arn}/*"]
  }
}

resource "aws_iam_role" "sessions" {
  name_prefix        = "${local.name}-"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "sessions" {
  name   = local.name
  role   = aws_iam_role.sessions.id
  policy = data.aws_iam_policy_document.sessions.json
}
