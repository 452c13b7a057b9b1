# What is watched: by whom each metric is told, what its silence means, and every server of the bus.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "alarms" {
  command = plan

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.above), values(aws_cloudwatch_metric_alarm.below)) : contains(
        concat(local.agent_metrics[alarm.dimensions.service], keys(local.agent_results[alarm.dimensions.service])),
        alarm.metric_name,
      ) if alarm.namespace == local.metrics_namespace
    ])
    error_message = "Each alarm on what a service tells asks for what its agent brings."
  }

  assert {
    condition = alltrue([
      for name, service in local.services :
      aws_cloudwatch_metric_alarm.below["${name}-silent"].treat_missing_data == "breaching" &&
      aws_cloudwatch_metric_alarm.below["${name}-silent"].statistic == "SampleCount" &&
      aws_cloudwatch_metric_alarm.below["${name}-silent"].threshold > 2 * (service.size.least - 1) &&
      aws_cloudwatch_metric_alarm.below["${name}-silent"].threshold < 2 * service.size.least
    ])
    error_message = "Where one of the fewest tasks tells no metrics, or all of them, that is told."
  }

  assert {
    condition = alltrue([
      for name in ["web", "ws"] :
      aws_cloudwatch_metric_alarm.above["${name}-journal-refuses"].statistic == "Sum" &&
      aws_cloudwatch_metric_alarm.above["${name}-journal-refuses"].threshold == 0 &&
      aws_cloudwatch_metric_alarm.above["${name}-rooms-lack-messages"].threshold == 0
    ])
    error_message = "One message that was refused or is lacking is enough."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.above["worker-mail-fails"].dimensions == tomap({ service = "worker", result = "failed" })
    error_message = "Mails that failed are counted, not those that went."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.above["ws-files-run-out"].threshold < local.container.ulimits[0].softLimit
    error_message = "Open files are told of before the last one is open."
  }

  assert {
    condition = (
      one([for query in aws_cloudwatch_metric_alarm.share["accepts-fail"].metric_query : query.expression if query.id == "share"]) ==
      "IF((FILL(ws_busy, 0)) >= 10, (FILL(ws_busy, 0)) / (FILL(ws_busy, 0) + FILL(ws_welcomed, 0)), 0)"
    )
    error_message = "The share is of those who may come in, and is none as long as it is a few."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.share :
      anytrue([for query in alarm.metric_query : can(regex("^IF\\(.+ >= 10, .+, 0\\)$", query.expression)) if query.id == "share"])
    ])
    error_message = "A single one that was late or failed in a quiet hour wakes nobody."
  }

  assert {
    condition = (
      toset([for alarm in aws_cloudwatch_metric_alarm.valkey : alarm.dimensions.CacheClusterId]) ==
      toset(["porchlight-production-0-001", "porchlight-production-0-002", "porchlight-production-1-001", "porchlight-production-1-002"])
    )
    error_message = "Every server of the bus is watched: after a failover the replica is the primary."
  }

  assert {
    condition     = toset(local.nodes[*][1]) == toset([for alarm in aws_cloudwatch_metric_alarm.valkey : alarm.dimensions.CacheClusterId])
    error_message = "The dashboard shows every server of the bus."
  }

  assert {
    condition = (
      aws_route53_health_check.widget.fqdn == "widget.porchlight.example" &&
      aws_route53_health_check.widget.resource_path == "/porchlight.js" &&
      aws_cloudwatch_metric_alarm.widget_script.treat_missing_data == "breaching"
    )
    error_message = "The widget's script is fetched from outside."
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.certificate["console"], aws_cloudwatch_metric_alarm.cdn_certificate] :
      alarm.metric_name == "DaysToExpiry" && alarm.statistic == "Minimum" && alarm.comparison_operator == "LessThanThreshold" &&
      alarm.threshold == 20 && alarm.period == 86400 && alarm.treat_missing_data == "ignore"
    ])
    error_message = "A certificate that is not renewed is told of weeks before it ends, by a number that comes twice a day."
  }
}

run "own_domains" {
  command = plan

  plan_options {
    target = [aws_cloudwatch_metric_alarm.certificate]
  }

  variables {
    custom_domain_certificates = ["arn:aws:acm:eu-central-1:123456789012:certificate/11111111-1111-4111-8111-111111111111"]
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.certificate["11111111-1111-4111-8111-111111111111"].dimensions.CertificateArn ==
      one(var.custom_domain_certificates)
    )
    error_message = "Certificates of tenants' own domains are watched, too: an imported one is renewed by nobody."
  }
}

run "without_replicas" {
  command = plan

  plan_options {
    target = [aws_cloudwatch_metric_alarm.valkey]
  }

  variables {
    environment = "staging"
    valkey      = { node_type = "cache.t4g.micro", primaries = 1, replicas = 0 }
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.valkey) == ["valkey-0-001-memory", "valkey-0-001-processor"]
    error_message = "Where there is one server, one is watched."
  }
}
