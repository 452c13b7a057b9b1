# One page for the night: sockets, edge, tasks, database, bus.

locals {
  edge_metric     = { for name, edge in aws_lb.edge : name => ["LoadBalancer", edge.arn_suffix] }
  pages_metric    = concat(["TargetGroup", aws_lb_target_group.door["console-web"].arn_suffix], local.edge_metric["console"])
  database_metric = ["DBInstanceIdentifier", aws_db_instance.main.identifier]
  nodes           = [for node in local.valkey_nodes : ["CacheClusterId", "${local.name}-${node}"]]

  own = local.metrics_namespace
  services_metric = {
    for name in keys(local.services) : name => ["ClusterName", aws_ecs_cluster.main.name, "ServiceName", name]
  }

  # Title, statistic, metrics. Four in a row.
  charts = [
    ["Open sockets per task", "Average", [[local.own, local.connections_metric, "service", "ws"]]],
    ["Tasks that run", "Average", [for of in local.services_metric : concat(["ECS/ContainerInsights", "RunningTaskCount"], of)]],
    ["Processor of the tasks, %", "Average", [for of in local.services_metric : concat(["AWS/ECS", "CPUUtilization"], of)]],
    ["Memory of the tasks, %", "Average", [for of in local.services_metric : concat(["AWS/ECS", "MemoryUtilization"], of)]],
    ["Requests", "Sum", [for of in local.edge_metric : concat(["AWS/ApplicationELB", "RequestCount"], of)]],
    ["Pages within, seconds", "p95", [concat(["AWS/ApplicationELB", "TargetResponseTime"], local.pages_metric)]],
    ["Errors of the edges", "Sum", [for of in local.edge_metric : concat(["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"], of)]],
    ["Errors of the tasks", "Sum", [for of in local.edge_metric : concat(["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"], of)]],
    ["Connections that open", "Sum", [for of in local.edge_metric : concat(["AWS/ApplicationELB", "NewConnectionCount"], of)]],
    ["Database: processor, %", "Average", [concat(["AWS/RDS", "CPUUtilization"], local.database_metric)]],
    ["Database: connections", "Maximum", [concat(["AWS/RDS", "DatabaseConnections"], local.database_metric)]],
    ["Database: a write, seconds", "Average", [concat(["AWS/RDS", "WriteLatency"], local.database_metric)]],
    ["Waiting for the database", "Maximum", [for name in ["web", "ws"] : [local.own, local.pool_metric, "service", name]]],
    ["Rooms that lack a message", "Maximum", [for name in ["web", "ws"] : [local.own, local.holes_metric, "service", name]]],
    ["Messages that wait to be stored", "Maximum", [for name in ["web", "ws"] : [local.own, local.waiting_metric, "service", name]]],
    ["Messages not stored", "Sum", [for name in ["web", "ws"] : [local.own, local.refused_metric, "service", name]]],
    ["Lines of the bus that are down", "Maximum", [for name in ["web", "ws"] : [local.own, local.bus_metric, "service", name]]],
    ["Oldest job that waits, seconds", "Maximum", [[local.own, local.oldest_job_metric, "service", "worker"]]],
    ["Bus: processor, %", "Maximum", [for node in local.nodes : concat(["AWS/ElastiCache", "EngineCPUUtilization"], node)]],
    ["Bus: memory, %", "Maximum", [for node in local.nodes : concat(["AWS/ElastiCache", "DatabaseMemoryUsagePercentage"], node)]],
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
