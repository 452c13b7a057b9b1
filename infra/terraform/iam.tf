# Two roles for each task: one for who starts it (image, secrets, log), one for what runs in it (files, metrics, its own
# target). Each may do what it needs on the things that it needs, named one by one where AWS names them.

locals {
  tasks       = toset(concat(keys(local.services), keys(local.one_off)))
  keep_files  = ["web", "worker"] # the others never touch a file
  with_agent  = keys(local.services)
  task_policy = toset(concat(local.keep_files, local.with_agent))
}

data "aws_iam_policy_document" "assume_tasks" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_iam_role" "execution" {
  for_each = local.tasks

  name               = "${local.name}-${each.key}-start"
  description        = "Starts ${each.key}: its image, its secrets, its log"
  assume_role_policy = data.aws_iam_policy_document.assume_tasks.json
}

data "aws_iam_policy_document" "execution" {
  for_each = local.tasks

  statement {
    sid       = "SignInToTheRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # it has no resource
  }

  statement {
    sid       = "Image"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [aws_ecr_repository.main.arn]
  }

  statement {
    sid     = "Log"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [
      for group in concat([each.key], contains(local.with_agent, each.key) ? ["agent"] : []) :
      "${aws_cloudwatch_log_group.task[group].arn}:*"
    ]
  }

  statement {
    sid     = "Secrets"
    actions = ["secretsmanager:GetSecretValue"]
    resources = concat(
      [for name in local.secrets_of[each.key] : aws_secretsmanager_secret.setting[name].arn],
      contains(keys(local.admin_of), each.key) ? [local.admin_secret] : [],
    )
  }

  statement {
    sid       = "TheirKey"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.main.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${var.region}.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  for_each = local.tasks

  name   = "start"
  role   = aws_iam_role.execution[each.key].id
  policy = data.aws_iam_policy_document.execution[each.key].json
}

resource "aws_iam_role" "task" {
  for_each = local.tasks

  name               = "${local.name}-${each.key}"
  description        = "What ${each.key} may do"
  assume_role_policy = data.aws_iam_policy_document.assume_tasks.json
}

data "aws_iam_policy_document" "task" {
  for_each = local.task_policy

  dynamic "statement" {
    for_each = contains(local.keep_files, each.key) ? [1] : []

    content {
      sid       = "FilesOfTenants"
      actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      resources = ["${aws_s3_bucket.files.arn}/tenants/*"]
    }
  }

  dynamic "statement" {
    for_each = contains(local.keep_files, each.key) ? [1] : []

    content {
      sid       = "WhichFilesThereAre"
      actions   = ["s3:ListBucket"]
      resources = [aws_s3_bucket.files.arn] # without it S3 says of a missing file that it is forbidden
    }
  }

  dynamic "statement" {
    for_each = contains(local.keep_files, each.key) ? [1] : []

    content {
      sid       = "TheirKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [aws_kms_key.main.arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["s3.${var.region}.amazonaws.com"]
      }
    }
  }

  dynamic "statement" {
    for_each = each.key == "ws" ? [1] : []

    content {
      sid       = "HowItsTargetStands"
      actions   = ["elasticloadbalancing:DescribeTargetHealth"]
      resources = ["*"] # it has no resource
    }
  }

  dynamic "statement" {
    for_each = contains(local.with_agent, each.key) ? [1] : []

    content {
      sid       = "Metrics"
      actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      resources = ["${aws_cloudwatch_log_group.metrics.arn}:*"]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  for_each = local.task_policy

  name   = "task"
  role   = aws_iam_role.task[each.key].id
  policy = data.aws_iam_policy_document.task[each.key].json
}

# Services of AWS that act for us.

data "aws_iam_policy_document" "assume_service" {
  for_each = toset(["vpc-flow-logs.amazonaws.com", "monitoring.rds.amazonaws.com"])

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.key]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_iam_role" "flow_log" {
  name               = "${local.name}-flow-log"
  description        = "Writes who was refused on the network"
  assume_role_policy = data.aws_iam_policy_document.assume_service["vpc-flow-logs.amazonaws.com"].json
}

data "aws_iam_policy_document" "flow_log" {
  statement {
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.network.arn}:*"]
  }
}

resource "aws_iam_role_policy" "flow_log" {
  name   = "write"
  role   = aws_iam_role.flow_log.id
  policy = data.aws_iam_policy_document.flow_log.json
}

resource "aws_iam_role" "database_monitoring" {
  name               = "${local.name}-database-monitoring"
  description        = "Tells of the database server's own load"
  assume_role_policy = data.aws_iam_policy_document.assume_service["monitoring.rds.amazonaws.com"].json
}

resource "aws_iam_role_policy_attachment" "database_monitoring" {
  role       = aws_iam_role.database_monitoring.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
