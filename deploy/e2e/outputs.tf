# What cmd/internal/e2e reads, in its words.
output "stack" {
  value = {
    account  = var.account
    region   = var.region
    vpc      = aws_vpc.this.id
    name     = aws_lb.application.dns_name
    balancer = aws_lb.application.arn_suffix
    bucket   = aws_s3_bucket.memory.id
    role     = aws_iam_role.sessions.arn

    subnets = [for s in aws_subnet.this : {
      id      = s.id
      cidr    = s.cidr_block
      zone    = s.availability_zone
      zone_id = s.availability_zone_id
    }]

    scratch = {
      arn  = aws_lb_target_group.scratch.arn
      port = aws_lb_target_group.scratch.port
    }

    attached = {
      arn  = aws_lb_target_group.attached.arn
      port = aws_lb_target_group.attached.port
    }
  }

  # The walk begins when both listeners are there, and the role may do what it is to.
  depends_on = [aws_lb_listener.application, aws_lb_listener.network, aws_iam_role_policy.sessions]
}
