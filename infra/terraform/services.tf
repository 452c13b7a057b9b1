# Which tasks are kept running. `web` and `ws` are apart, so that a deploy of pages cuts no socket.

resource "aws_ecs_service" "service" {
  for_each = local.services

  name             = each.key
  cluster          = aws_ecs_cluster.main.id
  task_definition  = aws_ecs_task_definition.service[each.key].arn
  desired_count    = each.value.size.least
  launch_type      = "FARGATE"
  platform_version = "LATEST"
  propagate_tags   = "SERVICE"

  # New ones first: nobody is sent away before there is a place to go.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = each.value.served ? 90 : null
  availability_zone_rebalancing      = "ENABLED"
  enable_execute_command             = false

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = aws_subnet.private[*].id
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = [for key, door in local.doors : key if door.service == each.key]

    content {
      target_group_arn = aws_lb_target_group.door[load_balancer.value].arn
      container_name   = local.container.name
      container_port   = local.port
    }
  }

  lifecycle {
    ignore_changes = [desired_count] # scaling's business from then on
  }

  depends_on = [
    aws_lb_listener_rule.console_sockets,
    aws_lb_listener_rule.widget,
    aws_iam_role_policy.execution,
    aws_secretsmanager_secret_version.secret_key,
    aws_secretsmanager_secret_version.database,
    aws_secretsmanager_secret_version.redis,
  ]
}
