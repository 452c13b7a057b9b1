# One page for the night: sockets, edge, tasks, database, bus.

locals {
  edge_metric     = { for name, edge in aws_lb.edge : name => ["LoadBalancer", edge.arn_suffix] }
  pages_metric    = concat(["TargetGroup", aws_lb_target_group.door["console-web"].arn_suffix], local.edge_metric["console"])
  database_metric = ["DBInstanceIdentifier", aws_db_instance.main.identifier]
  nodes           = [for number in range(var.valkey.primaries) : "${local.name}-${number}-001"]

  # Title, statistic, metrics. Four in a row.
  charts = [
    ["Open sockets per task", "Average", [[local.metrics_namespace, local.connections_metric, "service", "ws"]]],
    ["Tasks that run", "Average", [for name in keys(local.services) : ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", aws_ecs_cluster.main.name, "ServiceName", name]]],
    ["Processor of the tasks, %", "Average", [for name in keys(local.services) : ["AWS/ECS", "CPUUtilization", "ClusterName", aws_ecs_cluster.main.name, "ServiceName", name]]],
    ["Requests", "Sum", [for dimensions in local.edge_metric : concat(["AWS/ApplicationELB", "RequestCount"], dimensions)]],
    ["Pages within, seconds", "p95", [concat(["AWS/ApplicationELB", "TargetResponseTime"], local.pages_metric)]],
    ["Errors of the edges", "Sum", [for dimensions in local.edge_metric : concat(["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"], dimensions)]],
    ["Errors of the tasks", "Sum", [for dimensions in local.edge_metric : concat(["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"], dimensions)]],
    ["Connections that open", "Sum", [for dimensions in local.edge_metric : concat(["AWS/ApplicationELB", "NewConnectionCount"], dimensions)]],
    ["Database: processor, %", "Average", [concat(["AWS/RDS", "CPUUtilization"], local.database_metric)]],
    ["Database: connections", "Maximum", [concat(["AWS/RDS", "DatabaseConnections"], local.database_metric)]],
    ["Database: time of a write, seconds", "Average", [concat(["AWS/RDS", "WriteLatency"], local.database_metric), concat(["AWS/RDS", "ReadLatency"], local.database_metric)]],
    ["Database: room on the disk, bytes", "Minimum", [concat(["AWS/RDS", "FreeStorageSpace"], local.database_metric)]],
    ["Requests that wait for a connection to the database", "Maximum", [for name in keys(local.services) : [local.metrics_namespace, "porchlight_database_pool_waiting", "service", name]]],
    ["Oldest job that waits, seconds", "Maximum", [[local.metrics_namespace, "porchlight_jobs_oldest_seconds", "service", "worker"]]],
    ["Bus: processor, %", "Maximum", [for node in local.nodes : ["AWS/ElastiCache", "EngineCPUUtilization", "CacheClusterId", node]]],
    ["Bus: memory, %", "Maximum", [for node in local.nodes : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", node]]],
  ]
}

resource "aws_cloudwatch_dashboard" "main" {
  dashboard_name = local.name

  dashboard_body = jsonencode({
    widgets = [
      for number, chart in local.charts : {
        type   = "metric"
        width  = 6
        height = 6
        x      = number % 4 * 6
        y      = floor(number / 4) * 6
        properties = {
          title   = chart[0]
          stat    = chart[1]
          metrics = chart[2]
          region  = var.region
          period  = 60
          view    = "timeSeries"
        }
      }
    ]
  })
}
