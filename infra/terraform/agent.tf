# How the servers' own metrics come to CloudWatch: the agent beside each reads its private port, and writes lines from which
# CloudWatch makes metrics with one dimension, the service, or with two, where only one result matters. A mean over them is a mean
# over the tasks. Of a counter the agent tells how much it grew since it was read before; histograms it leaves out.

locals {
  metrics_namespace = "Porchlight/${var.environment}"
  scrape_seconds    = 30

  # Names of the code (saas/core/metrics, chat/metrics.py, billing/metrics.py); a test looks for each. Only what an alarm, a scaling
  # rule or the dashboard uses, from those who have it: each name of each service costs by the month.
  process_metric     = "porchlight_process" # 1, from every process for as long as it runs
  connections_metric = "porchlight_sockets"
  holes_metric       = "porchlight_holes"
  waiting_metric     = "porchlight_journal_waiting"
  refused_metric     = "porchlight_journal_refused_total"
  appended_metric    = "porchlight_appended_total"
  delivered_metric   = "porchlight_delivered_total"
  loop_metric        = "porchlight_loop_looks_total"
  accepts_metric     = "porchlight_socket_accepts_total"
  resumes_metric     = "porchlight_resumes_total"
  bus_metric         = "porchlight_bus_down"
  pool_metric        = "porchlight_database_pool_waiting"
  pool_errors_metric = "porchlight_database_pool_errors_total"
  files_metric       = "process_open_fds"
  failed_jobs_metric = "porchlight_jobs_failed"
  oldest_job_metric  = "porchlight_jobs_oldest_seconds"
  mail_metric        = "porchlight_mail_total"
  webhooks_metric    = "porchlight_stripe_webhooks_total"
  events_metric      = "porchlight_stripe_events_total"

  # Frames come by sockets and, where a network lets none through, by HTTP: `web` stores and delivers, too.
  chat_metrics = [
    local.process_metric, local.holes_metric, local.waiting_metric, local.refused_metric, local.bus_metric, local.pool_metric,
    local.pool_errors_metric, local.files_metric,
  ]
  agent_metrics = {
    web    = local.chat_metrics
    ws     = concat(local.chat_metrics, [local.connections_metric])
    worker = [local.process_metric, local.pool_errors_metric, local.failed_jobs_metric, local.oldest_job_metric]
  }
  # By the values of the label `result` that are told. What is in time and what is late is counted for this alone.
  chat_results = merge(
    { for metric in [local.appended_metric, local.delivered_metric, local.loop_metric] : metric => ["in_time", "late"] },
    { (local.resumes_metric) = ["whole", "anew", "failed"] },
  )
  agent_results = {
    web    = merge(local.chat_results, { (local.webhooks_metric) = ["refused"] })
    ws     = merge(local.chat_results, { (local.accepts_metric) = ["welcomed", "busy"] })
    worker = { (local.mail_metric) = ["failed", "refused"], (local.events_metric) = ["failed"] }
  }

  agent_settings = {
    for name in keys(local.services) : name => [
      {
        name = "PROMETHEUS_CONFIG_CONTENT"
        value = yamlencode({
          global = { scrape_interval = "${local.scrape_seconds}s", scrape_timeout = "10s" }
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
                  metric_declaration = concat(
                    [{
                      source_labels    = ["job"]
                      label_matcher    = "^porchlight$"
                      dimensions       = [["service"]]
                      metric_selectors = [for metric in local.agent_metrics[name] : "^${metric}$"]
                    }],
                    [for metric, results in local.agent_results[name] : {
                      source_labels    = ["result"]
                      label_matcher    = "^(${join("|", results)})$"
                      dimensions       = [["service", "result"]]
                      metric_selectors = ["^${metric}$"]
                    }],
                  )
                }
              }
            }
          }
        })
      },
    ]
  }
}
