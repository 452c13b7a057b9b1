locals {
  log_groups = toset(concat(keys(local.services), keys(local.one_off), ["agent"]))
}

# What the tasks write: one line of JSON per event.
resource "aws_cloudwatch_log_group" "task" {
  for_each = local.log_groups

  name              = "/${local.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}

# What the agents read from the servers. CloudWatch takes the metrics out of these lines; nobody needs them for long.
resource "aws_cloudwatch_log_group" "metrics" {
  name              = "/${local.name}/metrics"
  retention_in_days = 3
  kms_key_id        = aws_kms_key.main.arn
}

resource "aws_cloudwatch_log_group" "network" {
  name              = "/${local.name}/network"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}

# RDS chooses this name. Its logs tell of statements, so they do not stay for ever, which would be its choice.
resource "aws_cloudwatch_log_group" "database" {
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${local.name}/${each.key}"
  retention_in_days = var.log_days
  kms_key_id        = aws_kms_key.main.arn
}
