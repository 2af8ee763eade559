resource "aws_cloudwatch_event_rule" "main" {
  name                = "web-443-nlb-tg-to-alb-trigger"
  schedule_expression = "rate(1 minute)"
}

resource "aws_cloudwatch_event_target" "main" {
  target_id = "web-443-nlb-tg-to-alb"
  rule      = aws_cloudwatch_event_rule.main.name
  arn       = module.updater.arn
}

module "updater" {
  source = "./updater"

  rule       = aws_cloudwatch_event_rule.main.arn
  policy_arn = aws_iam_policy.main.arn
}

resource "aws_iam_policy" "main" {
  name   = "web-443-nlb-tg-to-alb-updater"
  policy = "{}"
}
