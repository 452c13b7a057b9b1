# What runs in a container: three kinds of servers, and tasks that run once and end.

locals {
  port         = 8000
  metrics_port = 9100
  scratch      = "/var/lib/porchlight"
  stop_seconds = 120 # the longest that Fargate waits after SIGTERM; the server's drain needs 22 at most

  serve = ["python", "-m", "saas.serve", "--host", "0.0.0.0", "--port", tostring(local.port)]

  services = {
    web    = { command = local.serve, served = true, size = var.services.web }
    ws     = { command = local.serve, served = true, size = var.services.ws }
    worker = { command = ["python", "-m", "saas.worker"], served = false, size = var.services.worker }
  }
  served = { for name, service in local.services : name => service if service.served }

  one_off = {
    migrate = { command = ["python", "manage.py", "migrate_tenants"], size = { cpu = 1024, memory = 2048 } }
    prepare = { command = ["python", "manage.py", "prepare_database"], size = { cpu = 256, memory = 512 } }
    plans   = { command = ["python", "manage.py", "sync_plans"], size = { cpu = 256, memory = 512 } }
  }

  # Common to all containers of ours. The root is read-only. What a request puts aside for a moment goes to the image's one
  # volume, which belongs to the image's user and ends with the task.
  container = {
    name                   = "porchlight"
    image                  = var.image
    essential              = true
    readonlyRootFilesystem = true
    mountPoints            = [{ sourceVolume = "scratch", containerPath = local.scratch, readOnly = false }]
    ulimits                = [{ name = "nofile", softLimit = 65535, hardLimit = 65535 }] # a socket is a descriptor
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    stopTimeout            = local.stop_seconds
    volumesFrom            = []
    systemControls         = []
  }

  # Beside each server: reads its private port once in thirty seconds, and writes what CloudWatch makes metrics of.
  agent = {
    for name in keys(local.services) : name => {
      name           = "metrics"
      image          = var.metrics_agent_image
      essential      = false # a server without metrics still serves
      environment    = local.agent_settings[name]
      memory         = 192
      mountPoints    = []
      portMappings   = []
      volumesFrom    = []
      systemControls = []
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.task["agent"].name
          awslogs-region        = var.region
          awslogs-stream-prefix = name
        }
      }
    }
  }

  log_to = {
    for name in concat(keys(local.services), keys(local.one_off)) : name => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.task[name].name
        awslogs-region        = var.region
        awslogs-stream-prefix = "task"
        mode                  = "non-blocking" # a slow log must not hold a socket up
        max-buffer-size       = "4m"
      }
    }
  }
}

resource "aws_ecs_cluster" "main" {
  name = local.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "service" {
  for_each = local.services

  family                   = "${local.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.size.cpu
  memory                   = each.value.size.memory
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task[each.key].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "scratch"
  }

  container_definitions = jsonencode([
    merge(
      local.container,
      {
        command          = each.value.command
        environment      = local.environment[each.key]
        secrets          = local.secrets[each.key]
        logConfiguration = local.log_to[each.key]
        portMappings     = each.value.served ? [{ containerPort = local.port, hostPort = local.port, protocol = "tcp" }] : []
      },
      each.value.served ? {
        healthCheck = {
          command     = ["CMD", "python", "-m", "saas.probe", "live", "--port", tostring(local.port)]
          interval    = 15
          timeout     = 5
          retries     = 4
          startPeriod = 60
        }
      } : {},
    ),
    local.agent[each.key],
  ])
}

resource "aws_ecs_task_definition" "one_off" {
  for_each = local.one_off

  family                   = "${local.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = each.value.size.cpu
  memory                   = each.value.size.memory
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task[each.key].arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  volume {
    name = "scratch"
  }

  container_definitions = jsonencode([
    merge(local.container, {
      command          = each.value.command
      environment      = local.environment[each.key]
      secrets          = local.secrets[each.key]
      logConfiguration = local.log_to[each.key]
      portMappings     = []
    }),
  ])
}
