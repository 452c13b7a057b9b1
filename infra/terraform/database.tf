# PostgreSQL 18, the only truth. Reached by the tasks alone, over TLS.

locals {
  database_family = "postgres${split(".", var.database_version)[0]}"
}

resource "aws_db_subnet_group" "main" {
  name       = local.name
  subnet_ids = aws_subnet.data[*].id
}

resource "aws_db_parameter_group" "main" {
  name_prefix = "${local.name}-"
  family      = local.database_family
  description = "Porchlight on ${local.database_family}"

  dynamic "parameter" {
    for_each = {
      "rds.force_ssl" = { value = "1", at_once = true }
      # An acknowledged message is on disk, and with a standby on two.
      "synchronous_commit" = { value = "on", at_once = true }
      "max_connections"    = { value = tostring(var.database.max_connections), at_once = false }
      # Errors and waits for locks are told, but no statement and no value of a row: they hold addresses, hashes and people's words.
      # The servers' own log names slow queries without their values.
      "log_min_duration_statement"     = { value = "-1", at_once = true }
      "log_min_error_statement"        = { value = "panic", at_once = true }
      "log_error_verbosity"            = { value = "terse", at_once = true }
      "log_parameter_max_length"       = { value = "0", at_once = true }
      "log_lock_waits"                 = { value = "1", at_once = true }
      "shared_preload_libraries"       = { value = "pg_stat_statements", at_once = false }
      "autovacuum_vacuum_scale_factor" = { value = "0.05", at_once = true } # rooms are updated with every message
    }

    content {
      name         = parameter.key
      value        = parameter.value.value
      apply_method = parameter.value.at_once ? "immediate" : "pending-reboot"
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "main" {
  identifier            = local.name
  engine                = "postgres"
  engine_version        = var.database_version
  instance_class        = var.database.instance_class
  storage_type          = "gp3"
  allocated_storage     = var.database.storage
  max_allocated_storage = var.database.storage_most
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.main.arn
  multi_az              = var.database.standby

  username                      = "porch_admin"
  manage_master_user_password   = true # RDS makes it, keeps it in Secrets Manager, and changes it each week
  master_user_secret_kms_key_id = aws_kms_key.main.arn

  db_subnet_group_name                = aws_db_subnet_group.main.name
  vpc_security_group_ids              = [aws_security_group.database.id]
  publicly_accessible                 = false
  parameter_group_name                = aws_db_parameter_group.main.name
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"
  iam_database_authentication_enabled = true # for people with a reason to look; the server uses its passwords

  backup_retention_period    = var.database.backup_days
  backup_window              = "03:00-04:00"
  maintenance_window         = "sun:04:30-sun:05:30"
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  deletion_protection        = var.protect
  skip_final_snapshot        = !var.protect
  final_snapshot_identifier  = "${local.name}-last"

  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  performance_insights_enabled    = true
  performance_insights_kms_key_id = aws_kms_key.main.arn
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.database_monitoring.arn

  depends_on = [aws_cloudwatch_log_group.database]
}
