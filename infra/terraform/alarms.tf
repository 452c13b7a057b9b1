# Who is told of what. The README says where to read on at each.

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.main.id
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  database_dimension = { DBInstanceIdentifier = aws_db_instance.main.identifier }
  gib                = 1024 * 1024 * 1024

  # `above` in the metric's own unit, for so many minutes in a row (`periods`), or over so many seconds (`period`).
  alarms_of_edge = {
    edge-errors = {
      words = "answers with errors of its own: no task is there, or tasks close connections"
      name  = "HTTPCode_ELB_5XX_Count", statistic = "Sum", above = 20, periods = 3
    }
    server-errors = {
      words = "passes on errors of the tasks"
      name  = "HTTPCode_Target_5XX_Count", statistic = "Sum", above = 20, periods = 3
    }
    refused-connections = {
      words = "refuses connections: it has reached its most"
      name  = "RejectedConnectionCount", statistic = "Sum", above = 0, periods = 1
    }
  }
  alarms_of_edges = {
    for pair in setproduct(keys(local.edges), keys(local.alarms_of_edge)) : join("-", pair) => merge(
      local.alarms_of_edge[pair[1]],
      {
        words      = "The load balancer of ${pair[0]} ${local.alarms_of_edge[pair[1]].words}"
        dimensions = { LoadBalancer = aws_lb.edge[pair[0]].arn_suffix }
      },
    )
  }

  door_dimensions = {
    for key, door in local.doors : key => {
      LoadBalancer = aws_lb.edge[door.edge].arn_suffix
      TargetGroup  = aws_lb_target_group.door[key].arn_suffix
    }
  }
  alarms_of_doors = merge(
    {
      for key, dimensions in local.door_dimensions : "${key}-unhealthy" => {
        words = "A task behind ${key} does not answer"
        name  = "UnHealthyHostCount", statistic = "Maximum", above = 0, periods = 5, dimensions = dimensions
      }
    },
    {
      console-slow = {
        words = "One page in twenty takes more than a second"
        name  = "TargetResponseTime", statistic = "p95", above = 1, periods = 5, dimensions = local.door_dimensions["console-web"]
      }
    },
  )

  alarms_of_database = {
    database-processor = {
      words = "The database's processor is busy"
      name  = "CPUUtilization", statistic = "Average", above = 80, periods = 10
    }
    database-connections = {
      words = "The database has few connections left"
      name  = "DatabaseConnections", statistic = "Maximum", above = floor(var.database.max_connections * 0.8), periods = 3
    }
    database-disk-queue = {
      words = "The database waits for its disk"
      name  = "DiskQueueDepth", statistic = "Average", above = 20, periods = 5
    }
  }

  alarms_of_tasks = {
    for name in keys(local.services) : "${name}-busy" => {
      words      = "Tasks of ${name} have no processor left, and scaling does not help: is services.${name}.most reached?"
      name       = "CPUUtilization", statistic = "Average", above = 85, periods = 15
      dimensions = { ClusterName = aws_ecs_cluster.main.name, ServiceName = name }
    }
  }

  alarms = merge(
    { for key, alarm in local.alarms_of_edges : key => merge(alarm, { namespace = "AWS/ApplicationELB" }) },
    { for key, alarm in local.alarms_of_doors : key => merge(alarm, { namespace = "AWS/ApplicationELB" }) },
    {
      for key, alarm in local.alarms_of_database :
      key => merge(alarm, { namespace = "AWS/RDS", dimensions = local.database_dimension })
    },
    { for key, alarm in local.alarms_of_tasks : key => merge(alarm, { namespace = "AWS/ECS" }) },
    { for key, alarm in local.alarms_of_services : key => merge(alarm, { namespace = local.metrics_namespace }) },
  )
}

resource "aws_cloudwatch_metric_alarm" "above" {
  for_each = local.alarms

  alarm_name        = "${local.name}-${each.key}"
  alarm_description = each.value.words
  namespace         = each.value.namespace
  metric_name       = each.value.name
  dimensions        = each.value.dimensions

  statistic          = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic = startswith(each.value.statistic, "p") ? each.value.statistic : null

  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = try(each.value.period, 60)
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}

locals {
  # What there must be enough of. Nothing heard of it is as bad.
  alarms_below = merge(
    {
      database-storage = {
        words     = "The database's disk is nearly full, and may not grow any further", statistic = "Minimum"
        namespace = "AWS/RDS", name = "FreeStorageSpace", below = 10 * local.gib, dimensions = local.database_dimension
      }
      database-memory = {
        words     = "The database's memory is nearly used up", statistic = "Minimum"
        namespace = "AWS/RDS", name = "FreeableMemory", below = 0.25 * local.gib, dimensions = local.database_dimension
      }
    },
    {
      for name, service in local.services : "${name}-too-few" => {
        words      = "Fewer tasks of ${name} run than there must be", statistic = "Minimum"
        namespace  = "ECS/ContainerInsights", name = "RunningTaskCount", below = service.size.least
        dimensions = { ClusterName = aws_ecs_cluster.main.name, ServiceName = name }
      }
    },
    local.alarms_of_silence,
  )
}

resource "aws_cloudwatch_metric_alarm" "below" {
  for_each = local.alarms_below

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.words
  namespace           = each.value.namespace
  metric_name         = each.value.name
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "LessThanThreshold"
  threshold           = each.value.below
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}

locals {
  # With noeviction, a full primary refuses to write: limits fall back to each process, presence stands still.
  alarms_of_valkey = {
    memory = {
      words = "is nearly full, and evicts nothing"
      name  = "DatabaseMemoryUsagePercentage", above = 75
    }
    processor = {
      words = "is busy: one more primary shares the rooms with it"
      name  = "EngineCPUUtilization", above = 75
    }
  }
  alarms_of_nodes = {
    for pair in setproduct(local.valkey_nodes, keys(local.alarms_of_valkey)) :
    "valkey-${pair[0]}-${pair[1]}" => merge(local.alarms_of_valkey[pair[1]], { node = pair[0] })
  }
}

resource "aws_cloudwatch_metric_alarm" "valkey" {
  for_each = local.alarms_of_nodes

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = "Server ${each.value.node} of the bus ${each.value.words}"
  namespace           = "AWS/ElastiCache"
  metric_name         = each.value.name
  dimensions          = { CacheClusterId = "${local.name}-${each.value.node}" }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}
