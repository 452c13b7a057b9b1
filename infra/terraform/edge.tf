# Two load balancers: `console` for the platform's and the tenants' hosts, open to everybody, and `widget` behind CloudFront.
# Each says in X-Forwarded-For who is at the other end, as the last address: the one whom it saw, or the one whom CloudFront saw.
# So the server behind them has to believe one proxy, in both cases.

locals {
  edges = {
    console = { group = aws_security_group.edge["console"].id, forwarded = "append" }
    widget  = { group = aws_security_group.edge["widget"].id, forwarded = "preserve" }
  }
  doors = {
    for pair in setproduct(keys(local.edges), keys(local.served)) :
    join("-", pair) => { edge = pair[0], service = pair[1] }
  }

  # ECS takes a task that is to end out of its groups, and sends SIGTERM when this is over: by then the load balancer has cut what was
  # still open. A server of sockets watches its own target (TARGET_GROUP_ARNS), sees within twenty seconds that it drains, and needs
  # twelve more at most to say `bye` to everybody. The rest is for an AWS that does not answer at once.
  deregistration_seconds = 120
}

resource "aws_lb" "edge" {
  for_each = local.edges

  name               = "${local.name}-${each.key}"
  load_balancer_type = "application"
  security_groups    = [each.value.group]
  subnets            = aws_subnet.public[*].id

  idle_timeout               = var.idle_timeout_seconds
  client_keep_alive          = 3600
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  xff_header_processing_mode = each.value.forwarded
  enable_deletion_protection = var.protect

  # Who connected and when, without what they asked for.
  connection_logs {
    bucket  = aws_s3_bucket.logs.id
    prefix  = each.key
    enabled = true
  }

  access_logs {
    bucket  = aws_s3_bucket.logs.id
    prefix  = each.key
    enabled = var.log_requests
  }

  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_lb_target_group" "door" {
  for_each = local.doors

  name                          = "${var.environment}-${each.key}"
  vpc_id                        = aws_vpc.main.id
  target_type                   = "ip"
  protocol                      = "HTTP"
  port                          = local.port
  load_balancing_algorithm_type = "least_outstanding_requests" # an open socket counts, so a new task gets the new ones
  deregistration_delay          = local.deregistration_seconds

  # Whether the task itself turns, not what it needs: ECS replaces whom the load balancer finds unwell, and a database or a bus that
  # is away for half a minute would cost everybody their socket, again and again. The server answers from the end of its start
  # until SIGTERM, then refuses connections.
  health_check {
    path                = "/healthz/live"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.edge["console"].arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "console" {
  load_balancer_arn = aws_lb.edge["console"].arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.main.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.door["console-web"].arn
  }
}

resource "aws_lb_listener_rule" "console_sockets" {
  listener_arn = aws_lb_listener.console.arn
  priority     = 10

  condition {
    path_pattern {
      values = ["/ws/*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.door["console-ws"].arn
  }
}

resource "aws_lb_listener_certificate" "custom_domain" {
  for_each = var.custom_domain_certificates

  listener_arn    = aws_lb_listener.console.arn
  certificate_arn = each.value
}

# Our CloudFront shows a key. Whoever comes without it (another's CloudFront reaches this address, too) goes around our firewall.
resource "aws_lb_listener" "widget" {
  load_balancer_arn = aws_lb.edge["widget"].arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.main.certificate_arn

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "This host is reached by its CDN."
      status_code  = "403"
    }
  }
}

resource "aws_lb_listener_rule" "widget" {
  for_each = {
    ws  = { priority = 10, path = "/ws/*" }
    web = { priority = 20, path = "/*" }
  }

  listener_arn = aws_lb_listener.widget.arn
  priority     = each.value.priority

  condition {
    http_header {
      http_header_name = local.cdn_header
      values           = [local.words["cdn"]]
    }
  }

  condition {
    path_pattern {
      values = [each.value.path]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.door["widget-${each.key}"].arn
  }
}
