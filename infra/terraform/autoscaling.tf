# How many tasks: `ws` by its open sockets, all by their processor, which is what many who come back at once need.

resource "aws_appautoscaling_target" "service" {
  for_each = local.services

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.main.name}/${aws_ecs_service.service[each.key].name}"
  min_capacity       = each.value.size.least
  max_capacity       = each.value.size.most
}

resource "aws_appautoscaling_policy" "connections" {
  name               = "${local.name}-ws-connections"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service["ws"].service_namespace
  scalable_dimension = aws_appautoscaling_target.service["ws"].scalable_dimension
  resource_id        = aws_appautoscaling_target.service["ws"].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.connections_per_task
    scale_out_cooldown = 60
    scale_in_cooldown  = 900 # each task that goes sends its people elsewhere

    customized_metric_specification {
      namespace   = local.metrics_namespace
      metric_name = local.connections_metric
      statistic   = "Average"

      dimensions {
        name  = "service"
        value = "ws"
      }
    }
  }
}

resource "aws_appautoscaling_policy" "processor" {
  for_each = local.services

  name               = "${local.name}-${each.key}-processor"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[each.key].service_namespace
  scalable_dimension = aws_appautoscaling_target.service[each.key].scalable_dimension
  resource_id        = aws_appautoscaling_target.service[each.key].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 600

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
