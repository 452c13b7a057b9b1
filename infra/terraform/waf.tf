# Two web ACLs with the same rules: one before the load balancer of the consoles, one at CloudFront for the widget, each where the
# client's own address is seen. AWS's common rule set is left out on purpose: it refuses bodies over 8 KiB and whatever looks
# like HTML, which people may write. What each rule refuses is counted. Samples would show whole requests, with their links and cookies.

locals {
  waf_metric = replace(local.name, "-", "")
  waf_managed = {
    reputation = { priority = 2, name = "AWSManagedRulesAmazonIpReputationList" }
    bad_inputs = { priority = 3, name = "AWSManagedRulesKnownBadInputsRuleSet" }
  }
}

resource "aws_wafv2_web_acl" "console" {
  name        = "${local.name}-console"
  description = "Before the load balancer of the consoles"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 1

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        aggregate_key_type    = "IP"
        limit                 = var.requests_per_ip
        evaluation_window_sec = 300
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${local.waf_metric}rate"
      sampled_requests_enabled   = var.log_requests
    }
  }

  dynamic "rule" {
    for_each = local.waf_managed

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.value.name
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${local.waf_metric}${replace(rule.key, "_", "")}"
        sampled_requests_enabled   = var.log_requests
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.waf_metric
    sampled_requests_enabled   = var.log_requests
  }
}

resource "aws_wafv2_web_acl_association" "console" {
  resource_arn = aws_lb.edge["console"].arn
  web_acl_arn  = aws_wafv2_web_acl.console.arn
}

resource "aws_wafv2_web_acl" "cdn" {
  provider = aws.us_east_1

  name        = "${local.name}-cdn"
  description = "Before CloudFront"
  scope       = "CLOUDFRONT"

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 1

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        aggregate_key_type    = "IP"
        limit                 = var.requests_per_ip
        evaluation_window_sec = 300
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${local.waf_metric}cdnrate"
      sampled_requests_enabled   = var.log_requests
    }
  }

  dynamic "rule" {
    for_each = local.waf_managed

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.value.name
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${local.waf_metric}cdn${replace(rule.key, "_", "")}"
        sampled_requests_enabled   = var.log_requests
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${local.waf_metric}cdn"
    sampled_requests_enabled   = var.log_requests
  }
}
