# How the servers' own metrics come to CloudWatch: the agent beside each reads its private port, and writes lines from which
# CloudWatch makes metrics with one dimension, the service. A mean over them is a mean over the tasks.

locals {
  metrics_namespace = "Porchlight/${var.environment}"

  # Names of the code (saas/core/metrics, chat/metrics.py); a test looks for each. Only what an alarm, a scaling rule or the
  # dashboard uses: each name costs by the month.
  connections_metric = "porchlight_sockets"
  bus_metric         = "porchlight_bus_down"
  pool_metric        = "porchlight_database_pool_waiting"
  failed_jobs_metric = "porchlight_jobs_failed"
  oldest_job_metric  = "porchlight_jobs_oldest_seconds"

  agent_metrics = [
    local.connections_metric, local.bus_metric, local.pool_metric, local.failed_jobs_metric, local.oldest_job_metric,
  ]

  agent_settings = {
    for name in keys(local.services) : name => [
      {
        name = "PROMETHEUS_CONFIG_CONTENT"
        value = yamlencode({
          global = { scrape_interval = "30s", scrape_timeout = "10s" }
          scrape_configs = [{
            job_name       = "porchlight"
            static_configs = [{ targets = ["127.0.0.1:${local.metrics_port}"], labels = { service = name } }]
          }]
        })
      },
      {
        name = "CW_CONFIG_CONTENT"
        value = jsonencode({
          logs = {
            force_flush_interval = 15
            metrics_collected = {
              prometheus = {
                cluster_name           = local.name
                log_group_name         = aws_cloudwatch_log_group.metrics.name
                prometheus_config_path = "env:PROMETHEUS_CONFIG_CONTENT"
                emf_processor = {
                  metric_declaration_dedup = true
                  metric_namespace         = local.metrics_namespace
                  metric_declaration = [{
                    source_labels    = ["job"]
                    label_matcher    = "^porchlight$"
                    dimensions       = [["service"]]
                    metric_selectors = [for metric in local.agent_metrics : "^${metric}$"]
                  }]
                }
              }
            }
          }
        })
      },
    ]
  }
}
