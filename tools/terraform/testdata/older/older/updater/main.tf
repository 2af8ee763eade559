variable "rule" {
  type = string
}

variable "policy_arn" {
  type = string
}

resource "aws_iam_role" "main" {
  name               = "lambda-web-443-nlb-tg-to-alb"
  assume_role_policy = "{}"
}

resource "aws_iam_role_policy" "main" {
  name   = "lambda-web-443-nlb-tg-to-alb"
  role   = aws_iam_role.main.id
  policy = "{}"
}

resource "aws_iam_role_policy_attachment" "user_policy_attach" {
  count = 1

  role       = aws_iam_role.main.name
  policy_arn = var.policy_arn
}

resource "aws_cloudwatch_log_group" "main" {
  name              = "/aws/lambda/web-443-nlb-tg-to-alb"
  retention_in_days = 30
}

resource "aws_lambda_function" "main_from_s3" {
  count = 1

  function_name = "web-443-nlb-tg-to-alb"
  role          = aws_iam_role.main.arn
  handler       = "populate_NLB_TG_with_ALB.lambda_handler"
  runtime       = "python3.8"
  timeout       = 500
  s3_bucket     = "archives"
  s3_key        = "deployment.zip"
}

resource "aws_lambda_permission" "allow_source_s3" {
  count = 1

  statement_id  = "AllowExecutionForLambda-events"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.main_from_s3[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = var.rule
}

output "arn" {
  value = aws_lambda_function.main_from_s3[0].arn
}
