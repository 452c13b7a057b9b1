# The widget's script as the world sees it: all customers' pages load it, and nothing of ours would notice that its name or
# CloudFront is at fault. Route 53 asks from several regions. It does not look whether a certificate is valid, so how long each
# lasts is watched besides. Both Route 53 and CloudFront's certificate are told of in us-east-1 alone, so there is a second topic.

resource "aws_route53_health_check" "widget" {
  type              = "HTTPS"
  fqdn              = local.widget_host
  port              = 443
  resource_path     = "/porchlight.js"
  enable_sni        = true
  request_interval  = 30
  failure_threshold = 3

  tags = { Name = "${local.name}-widget-script" }
}

data "aws_iam_policy_document" "outside_key" {
  statement {
    sid       = "TheAccountDecidesWhoMay"
    actions   = ["kms:*"]
    resources = ["*"] # in a key's own policy this is the key

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }

  statement {
    sid       = "AlarmsToTheTopic"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_kms_key" "outside" {
  provider = aws.us_east_1

  description             = "${local.name}: alarms of what is seen from outside"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.outside_key.json
}

resource "aws_sns_topic" "outside" {
  provider = aws.us_east_1

  name              = "${local.name}-outside"
  kms_master_key_id = aws_kms_key.outside.id
}

resource "aws_sns_topic_subscription" "outside" {
  provider = aws.us_east_1

  topic_arn = aws_sns_topic.outside.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "widget_script" {
  provider = aws.us_east_1

  alarm_name          = "${local.name}-widget-script-away"
  alarm_description   = "The widget's script cannot be fetched from outside: nobody can chat on any page"
  namespace           = "AWS/Route53"
  metric_name         = "HealthCheckStatus"
  dimensions          = { HealthCheckId = aws_route53_health_check.widget.id }
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 3
  treat_missing_data  = "breaching"

  alarm_actions = [aws_sns_topic.outside.arn]
  ok_actions    = [aws_sns_topic.outside.arn]
}

# ACM renews a certificate weeks before its end, as long as its proof stands in the zone that the name leads to; what was imported
# nobody renews. It says twice a day how long each lasts, and nothing any more once it has ended: what was told stays so then.
locals {
  days_left = {
    namespace = "AWS/CertificateManager", name = "DaysToExpiry", statistic = "Minimum", below = 20, period = 24 * 60 * 60
  }
  certificates = merge(
    { console = aws_acm_certificate.main.arn },
    { for arn in var.custom_domain_certificates : basename(arn) => arn },
  )
}

resource "aws_cloudwatch_metric_alarm" "certificate" {
  for_each = local.certificates

  alarm_name          = "${local.name}-${each.key}-certificate-ends"
  alarm_description   = "A certificate of the load balancer, ${each.key}, ends in less than twenty days: it was not renewed"
  namespace           = local.days_left.namespace
  metric_name         = local.days_left.name
  dimensions          = { CertificateArn = each.value }
  statistic           = local.days_left.statistic
  comparison_operator = "LessThanThreshold"
  threshold           = local.days_left.below
  period              = local.days_left.period
  evaluation_periods  = 1
  treat_missing_data  = "ignore"

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "cdn_certificate" {
  provider = aws.us_east_1

  alarm_name          = "${local.name}-widget-certificate-ends"
  alarm_description   = "CloudFront's certificate ends in less than twenty days: it was not renewed"
  namespace           = local.days_left.namespace
  metric_name         = local.days_left.name
  dimensions          = { CertificateArn = aws_acm_certificate.cdn.arn }
  statistic           = local.days_left.statistic
  comparison_operator = "LessThanThreshold"
  threshold           = local.days_left.below
  period              = local.days_left.period
  evaluation_periods  = 1
  treat_missing_data  = "ignore"

  alarm_actions = [aws_sns_topic.outside.arn]
  ok_actions    = [aws_sns_topic.outside.arn]
}
