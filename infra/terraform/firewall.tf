# Who may open a connection to whom. Everything else is refused, in the default group too.

resource "aws_default_security_group" "none" {
  vpc_id = aws_vpc.main.id
}

resource "aws_security_group" "edge" {
  for_each = { console = "open to everybody", widget = "open to CloudFront" }

  name        = "${local.name}-${each.key}"
  description = "The load balancer of ${each.key}, ${each.value}"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-${each.key}" }
}

resource "aws_security_group" "tasks" {
  name        = "${local.name}-tasks"
  description = "Tasks of Porchlight"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-tasks" }
}

resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "PostgreSQL, for the tasks alone"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-database" }
}

resource "aws_security_group" "valkey" {
  name        = "${local.name}-valkey"
  description = "Valkey, for the tasks alone"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "${local.name}-valkey" }
}

resource "aws_vpc_security_group_ingress_rule" "console" {
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.edge["console"].id
  description       = "Anybody, ${each.key}"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_vpc_security_group_ingress_rule" "widget" {
  security_group_id = aws_security_group.edge["widget"].id
  description       = "CloudFront"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "edge_to_tasks" {
  for_each = aws_security_group.edge

  security_group_id            = each.value.id
  description                  = "To the tasks"
  referenced_security_group_id = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_vpc_security_group_ingress_rule" "tasks_from_edge" {
  for_each = aws_security_group.edge

  security_group_id            = aws_security_group.tasks.id
  description                  = "From the load balancer of ${each.key}"
  referenced_security_group_id = each.value.id
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

# 443: Stripe, customers' webhooks, AWS itself. Mail: 587, or what `settings` says; 25 is closed by AWS itself unless you ask them.
resource "aws_vpc_security_group_egress_rule" "tasks_out" {
  for_each = { https = 443, mail = try(tonumber(lookup(var.settings, "EMAIL_PORT", "587")), 587) }

  security_group_id = aws_security_group.tasks.id
  description       = "Out to the world, ${each.key}"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

locals {
  stores = {
    database = { group = aws_security_group.database.id, port = 5432 }
    valkey   = { group = aws_security_group.valkey.id, port = 6379 }
  }
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_store" {
  for_each = local.stores

  security_group_id            = aws_security_group.tasks.id
  description                  = "To ${each.key}"
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "store_from_tasks" {
  for_each = local.stores

  security_group_id            = each.value.group
  description                  = "From the tasks"
  referenced_security_group_id = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}
