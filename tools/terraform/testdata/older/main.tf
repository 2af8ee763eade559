# What a state holds after the trussworks module was applied: its addresses and names, restated.
# https://github.com/trussworks/terraform-aws-nlb-tg-to-alb and, inside it, https://github.com/trussworks/terraform-aws-lambda

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

module "nlb_tg_to_alb" {
  source = "./older"
}
