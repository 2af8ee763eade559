# The bucket that remembers, where none is given: private, encrypted, versioned, by TLS only. Terraform does not delete a
# bucket that holds anything, and so the memory survives a destroy that was not meant.

locals {
  make_bucket = var.create_memory_bucket == null ? var.status_s3_bucket == null : var.create_memory_bucket
  # Account and Region make it nobody else's: the names of buckets are shared by all of a partition.
  made_bucket = "${lower(replace(substr(local.name, 0, 34), "_", "-"))}-${local.account}-${local.region}"
  bucket      = local.make_bucket ? local.made_bucket : var.status_s3_bucket
}

resource "aws_s3_bucket" "memory" {
  count = local.make_bucket ? 1 : 0

  bucket = local.made_bucket
  tags   = var.tags
}

resource "aws_s3_bucket_public_access_block" "memory" {
  count = local.make_bucket ? 1 : 0

  bucket                  = aws_s3_bucket.memory[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "memory" {
  count = local.make_bucket ? 1 : 0

  bucket = aws_s3_bucket.memory[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "memory" {
  count = local.make_bucket ? 1 : 0

  bucket = aws_s3_bucket.memory[0].id

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "memory" {
  count = local.make_bucket ? 1 : 0

  bucket = aws_s3_bucket.memory[0].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  depends_on = [aws_s3_bucket_versioning.memory]
}

resource "aws_s3_bucket_policy" "memory" {
  count = local.make_bucket ? 1 : 0

  bucket = aws_s3_bucket.memory[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TLSOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:${local.partition}:s3:::${local.made_bucket}", "arn:${local.partition}:s3:::${local.made_bucket}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.memory] # S3 refuses two changes of a bucket at once
}
