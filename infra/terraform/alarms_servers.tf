# What the servers tell of themselves (agent.tf), and what it means when they tell nothing. Who is told is in alarms.tf.

locals {
  # The README says which of Prometheus' alerts each stands for.
  alarms_of_own = {
    crowded = {
      words    = "hold many more sockets than planned, and scaling does not help: is services.ws.most reached?"
      services = ["ws"], name = local.connections_metric, statistic = "Average", above = var.connections_per_task * 1.25, periods = 10
    }
    rooms-lack-messages = {
      words    = "have a room that lacks a message, although the database was asked: people in it do not see new ones"
      services = ["web", "ws"], name = local.holes_metric, statistic = "Maximum", above = 0, periods = 5
    }
    journal-fills = {
      words    = "have messages that wait to be stored; at 10,000 they are refused"
      services = ["web", "ws"], name = local.waiting_metric, statistic = "Maximum", above = 2000, periods = 2
    }
    journal-refuses = {
      words    = "did not store messages, and told their senders so"
      services = ["web", "ws"], name = local.refused_metric, statistic = "Sum", above = 0, periods = 1, period = 300
    }
    bus-down = {
      words    = "do not hear the other processes: what they say comes late, by way of the database"
      services = ["web", "ws"], name = local.bus_metric, statistic = "Maximum", above = 0, periods = 3
    }
    pool-waits = {
      words    = "have requests that wait for a connection to the database"
      services = ["web", "ws"], name = local.pool_metric, statistic = "Maximum", above = 5, periods = 5
    }
    pool-fails = {
      words    = "did not reach the database, or had no connection free in time"
      services = keys(local.services), name = local.pool_errors_metric, statistic = "Sum", above = 0, periods = 1, period = 300
    }
    files-run-out = {
      words    = "have nearly as many open files as they may have, and accept nobody at that number"
      services = ["web", "ws"], name = local.files_metric, statistic = "Maximum", above = floor(0.8 * local.open_files), periods = 2
    }
    jobs-late = {
      words    = "have a job that has been due for more than five minutes: mail, usage and webhooks come late"
      services = ["worker"], name = local.oldest_job_metric, statistic = "Maximum", above = 300, periods = 5
    }
    jobs-failed = {
      words    = "gave jobs up, which wait for a person"
      services = ["worker"], name = local.failed_jobs_metric, statistic = "Maximum", above = 0, periods = 1
    }
    mail-fails = {
      words    = "cannot hand over mail: the mail server does not take it"
      services = ["worker"], name = local.mail_metric, result = "failed", statistic = "Sum", above = 3, periods = 1, period = 900
    }
    mail-refused = {
      words    = "hand over mail to many addresses that the mail server refuses for good: it may refuse all"
      services = ["worker"], name = local.mail_metric, result = "refused", statistic = "Sum", above = 20, periods = 1, period = 900
    }
    stripe-events-fail = {
      words    = "cannot work off events of Stripe: what tenants have paid does not show"
      services = ["worker"], name = local.events_metric, result = "failed", statistic = "Sum", above = 3, periods = 1, period = 3600
    }
    webhooks-refused = {
      words    = "get webhooks that are not signed as Stripe's, or are of the other mode"
      services = ["web"], name = local.webhooks_metric, result = "refused", statistic = "Sum", above = 3, periods = 1, period = 900
    }
  }
  open_files = local.container.ulimits[0].softLimit
  alarms_of_services = merge([
    for key, alarm in local.alarms_of_own : {
      for service in alarm.services : "${service}-${key}" => merge(alarm, {
        words      = "Tasks of ${service} ${alarm.words}"
        dimensions = merge({ service = service }, try({ result = alarm.result }, {}))
      })
    }
  ]...)

  # The agent beside a server may end, and the server goes on: then every alarm on what it tells would be quiet. Three of four lines
  # that the fewest tasks write in a minute, so that one of two or three tasks that tells nothing is noticed.
  alarms_of_silence = merge(
    {
      for name, service in local.services : "${name}-silent" => {
        words     = "Tasks of ${name} do not tell their metrics: their other alarms say nothing", statistic = "SampleCount"
        namespace = local.metrics_namespace, name = local.process_metric, dimensions = { service = name }
        below     = 0.75 * service.size.least * 60 / local.scrape_seconds
      }
    },
    {
      nobody-works = {
        words     = "No task of worker knows how the jobs stand: mail, usage and webhooks wait", statistic = "SampleCount"
        namespace = local.metrics_namespace, name = local.oldest_job_metric, below = 1, dimensions = { service = "worker" }
      }
    },
  )
}

# As the objectives of Prometheus' rules: a share of one result that would use up the budget of 28 days 14.4 times too fast, over an
# hour. And loops that are late more than once in a hundred looks, over five minutes.
#
# In a quiet hour one of few is a large share: one of six hundred resumes would be more than fourteen of ten thousand. So fewer than
# ten wake nobody: a moment in which the database was slow, one browser that came back to several rooms. What is broken is tried
# again by all who wait for it, and is ten within minutes.
locals {
  fewest_of_shares = 10

  alarms_of_shares = merge(
    {
      stores-late = {
        words    = "Messages are stored more than half a second after they came, more than seven of a hundred in an hour"
        services = ["web", "ws"], name = local.appended_metric, bad = "late", above = 14.4 * 0.005, period = 3600
      }
      delivers-late = {
        words    = "Messages reach their readers more than half a second after they were stored, more than seven of a hundred in an hour"
        services = ["web", "ws"], name = local.delivered_metric, bad = "late", above = 14.4 * 0.005, period = 3600
      }
      accepts-fail = {
        words    = "Sockets that may come in are turned away as busy, more than fourteen of a thousand in an hour"
        services = ["ws"], name = local.accepts_metric, bad = "busy", above = 14.4 * 0.001, period = 3600
      }
      resumes-fail = {
        words    = "Clients that come back to a room cannot go on, more than fourteen of ten thousand in an hour"
        services = ["web", "ws"], name = local.resumes_metric, bad = "failed", above = 14.4 * 0.0001, period = 3600
      }
    },
    {
      for name in ["web", "ws"] : "${name}-loops-lag" => {
        words    = "The event loops of ${name} are late by more than a quarter of a second: all their sockets and pages feel it"
        services = [name], name = local.loop_metric, bad = "late", above = 0.01, period = 300
      }
    },
  )
  parts_of_shares = {
    for key, alarm in local.alarms_of_shares : key => merge([
      for service in alarm.services : {
        for result in local.agent_results[service][alarm.name] : "${service}_${result}" => { service = service, result = result }
      }
    ]...)
  }
}

resource "aws_cloudwatch_metric_alarm" "share" {
  for_each = local.alarms_of_shares

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.words
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching" # nobody came

  metric_query {
    id          = "share"
    label       = each.value.bad
    return_data = true
    expression = format(
      "IF((%[1]s) >= %[3]d, (%[1]s) / (%[2]s), 0)",
      join(" + ", [for id, part in local.parts_of_shares[each.key] : "FILL(${id}, 0)" if part.result == each.value.bad]),
      join(" + ", [for id in keys(local.parts_of_shares[each.key]) : "FILL(${id}, 0)"]),
      local.fewest_of_shares,
    )
  }

  dynamic "metric_query" {
    for_each = local.parts_of_shares[each.key]

    content {
      id = metric_query.key

      metric {
        namespace   = local.metrics_namespace
        metric_name = each.value.name
        dimensions  = metric_query.value
        stat        = "Sum"
        period      = each.value.period
      }
    }
  }

  alarm_actions = [aws_sns_topic.alarms.arn]
  ok_actions    = [aws_sns_topic.alarms.arn]
}
