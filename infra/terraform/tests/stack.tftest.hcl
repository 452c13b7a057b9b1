# The whole stack with the numbers of production, made by a provider that only pretends.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "production" {
  command = apply

  assert {
    condition     = alltrue([for edge in aws_lb.edge : edge.idle_timeout > 2 * 25])
    error_message = "A load balancer must wait for longer than two pings of 25 s."
  }

  assert {
    condition = alltrue([
      for group in aws_lb_target_group.door :
      tonumber(group.deregistration_delay) >= 60 &&
      tonumber(group.deregistration_delay) <= 300
    ])
    error_message = "A target has time to see that it drains, and to drain; a release waits for as long."
  }

  assert {
    condition = (
      [for task, given in local.settings_of : task if contains(keys(given), "TARGET_GROUP_ARNS")] == ["ws"] &&
      length(split(" ", local.settings_of["ws"]["TARGET_GROUP_ARNS"])) == length(local.edges)
    )
    error_message = "The servers of sockets know their targets, one behind each load balancer, and nobody else asks."
  }

  assert {
    condition     = alltrue([for group in aws_lb_target_group.door : group.health_check[0].path == "/healthz/live"])
    error_message = "A target is judged by itself: no task is replaced because the database or the bus is away."
  }

  assert {
    condition = (
      aws_lb.edge["console"].xff_header_processing_mode == "append" &&
      aws_lb.edge["widget"].xff_header_processing_mode == "preserve"
    )
    error_message = "The last address of X-Forwarded-For is the client's, on both ways."
  }

  assert {
    condition     = aws_lb_listener.widget.default_action[0].type == "fixed-response"
    error_message = "Whoever goes around CloudFront is refused."
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect"
    error_message = "Nothing is served in the clear."
  }

  assert {
    condition = (
      length(aws_subnet.private) == length(var.zones) &&
      length(aws_subnet.data) == length(var.zones) &&
      length(aws_nat_gateway.main) == length(var.zones)
    )
    error_message = "Each zone has private subnets and, in production, a NAT of its own."
  }

  assert {
    condition     = length(distinct(concat(local.public_cidrs, local.private_cidrs, local.data_cidrs))) == 3 * length(var.zones)
    error_message = "No two subnets share addresses."
  }

  assert {
    condition     = alltrue([for service in aws_ecs_service.service : !service.network_configuration[0].assign_public_ip])
    error_message = "No task has a public address."
  }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.service :
      service.deployment_minimum_healthy_percent == 100 &&
      service.deployment_maximum_percent == 200 &&
      service.deployment_circuit_breaker[0].rollback
    ])
    error_message = "A deploy starts new tasks before it ends old ones, and goes back where they do not come up."
  }

  assert {
    condition = (
      !aws_db_instance.main.publicly_accessible &&
      aws_db_instance.main.storage_encrypted &&
      aws_db_instance.main.multi_az
    )
    error_message = "The database is private, encrypted, and has a standby."
  }

  assert {
    condition = (
      aws_db_instance.main.deletion_protection &&
      alltrue([for edge in aws_lb.edge : edge.enable_deletion_protection]) &&
      !aws_s3_bucket.files.force_destroy
    )
    error_message = "In production nothing that holds data can be deleted by mistake."
  }

  assert {
    condition     = startswith(aws_db_instance.main.engine_version, "18") && aws_db_parameter_group.main.family == "postgres18"
    error_message = "PostgreSQL is 18."
  }

  assert {
    condition = contains(
      [for each in aws_db_parameter_group.main.parameter : "${each.name}=${each.value}"],
      "rds.force_ssl=1",
    )
    error_message = "The database takes no connection in the clear."
  }

  assert {
    condition = length(setsubtract(
      ["log_min_duration_statement=-1", "log_min_error_statement=panic", "log_error_verbosity=terse"],
      [for each in aws_db_parameter_group.main.parameter : "${each.name}=${each.value}"],
    )) == 0
    error_message = "The database's log holds no statement and no value of a row."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.tasks_out["mail"].from_port == 587
    error_message = "Mail goes out by the port of EMAIL_PORT."
  }

  assert {
    condition = alltrue([
      for command in values(output.one_off) :
      strcontains(command, "aws ecs wait tasks-stopped") && strcontains(command, "exitCode")
    ])
    error_message = "A command that runs a task waits for its end and fails where the task fails."
  }

  assert {
    condition = (
      length(aws_elasticache_replication_group.primary) == var.valkey.primaries &&
      alltrue([for primary in aws_elasticache_replication_group.primary : tobool(primary.at_rest_encryption_enabled) && primary.transit_encryption_enabled])
    )
    error_message = "Each primary of the bus is encrypted, at rest and on the way."
  }

  assert {
    condition = contains(
      [for each in aws_elasticache_parameter_group.main.parameter : "${each.name}=${each.value}"],
      "maxmemory-policy=noeviction",
    )
    error_message = "The bus must not evict."
  }

  assert {
    condition = alltrue([
      for block in aws_s3_bucket_public_access_block.all :
      block.block_public_acls &&
      block.block_public_policy &&
      block.ignore_public_acls &&
      block.restrict_public_buckets
    ])
    error_message = "No bucket can be made public."
  }

  assert {
    condition = (
      alltrue([for target in aws_appautoscaling_target.service : target.min_capacity >= 2]) &&
      aws_appautoscaling_target.service["ws"].max_capacity == var.services.ws.most
    )
    error_message = "Scaling stays within what the variables say, and in production never below two."
  }

  assert {
    condition     = aws_appautoscaling_policy.connections.target_tracking_scaling_policy_configuration[0].target_value == var.connections_per_task
    error_message = "ws scales by its sockets per task."
  }

  assert {
    condition = (
      length(local.cdn_cached) == length(aws_cloudfront_distribution.widget.ordered_cache_behavior) &&
      aws_cloudfront_distribution.widget.default_cache_behavior[0].cache_policy_id == local.never_cached
    )
    error_message = "CloudFront caches the loader, configs and static files, and nothing else."
  }

  assert {
    condition = (
      !contains(local.secrets_of["ws"], "DATABASE_OWNER_URL") &&
      contains(local.secrets_of["web"], "DATABASE_OWNER_URL")
    )
    error_message = "The servers of sockets do not hold the owner's password."
  }

  assert {
    condition     = contains(keys(local.admin_of), "prepare") && length(local.admin_of) == 1
    error_message = "Only the task that makes the logins gets the administrator's."
  }

  assert {
    condition = (
      output.platform_url == "https://porchlight.example/" &&
      output.loader_url == "https://widget.porchlight.example/porchlight.js"
    )
    error_message = "The outputs name the hosts."
  }

  assert {
    condition     = toset(output.cluster.services) == toset(["web", "ws", "worker"])
    error_message = "Three services are kept running."
  }

  assert {
    condition = alltrue([
      for task in aws_ecs_task_definition.service :
      jsondecode(task.container_definitions)[0].readonlyRootFilesystem &&
      jsondecode(task.container_definitions)[0].stopTimeout == 120
    ])
    error_message = "Every server has a read-only root, and two minutes to leave."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.service["worker"].container_definitions)[0].command == ["python", "-m", "saas.worker"]
    error_message = "The worker works."
  }

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.main.dashboard_body).widgets) == length(local.charts)
    error_message = "The dashboard shows every chart."
  }
}

run "mail_by_another_port" {
  command = plan

  variables {
    settings = { EMAIL_HOST = "mail.porchlight.example", EMAIL_PORT = "2587" }
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.tasks_out["mail"].from_port == 2587 &&
      aws_vpc_security_group_egress_rule.tasks_out["mail"].to_port == 2587
    )
    error_message = "The firewall lets out what the settings ask for."
  }
}
