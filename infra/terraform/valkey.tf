# The bus between the processes. Independent primaries, not a cluster: in one, what is published goes to every node.

locals {
  # Every server of it, by the name that AWS gives: after a failover another one of its group is the primary.
  valkey_nodes = [
    for pair in setproduct(range(var.valkey.primaries), range(1 + var.valkey.replicas)) : format("%d-%03d", pair[0], pair[1] + 1)
  ]
}

resource "aws_elasticache_subnet_group" "main" {
  name       = local.name
  subnet_ids = aws_subnet.data[*].id
}

resource "aws_elasticache_parameter_group" "main" {
  name        = "${local.name}-valkey8"
  family      = "valkey8"
  description = "Porchlight: limits and permits must not vanish when memory is short"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_elasticache_replication_group" "primary" {
  count = var.valkey.primaries

  replication_group_id = "${local.name}-${count.index}"
  description          = "Porchlight's bus, primary ${count.index}"
  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = var.valkey.node_type
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.main.name

  num_cache_clusters         = 1 + var.valkey.replicas
  automatic_failover_enabled = var.valkey.replicas > 0
  multi_az_enabled           = var.valkey.replicas > 0

  subnet_group_name          = aws_elasticache_subnet_group.main.name
  security_group_ids         = [aws_security_group.valkey.id]
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.main.arn
  transit_encryption_enabled = true
  auth_token                 = local.words["valkey"]
  auth_token_update_strategy = "ROTATE" # the old one stays good, until it is withdrawn (README, rotation)

  maintenance_window         = "sun:05:30-sun:06:30"
  auto_minor_version_upgrade = true
  apply_immediately          = true

  # What it holds is worth nothing after a minute: the database is the truth.
  snapshot_retention_limit = 0
}
