# What only a few may read. What is made here stands in the state, too: keep that where only operators read (README).

locals {
  # Made here.
  secrets_made = ["SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"]
  # Put in by hand, where the installation has such a thing.
  secrets_by_hand = [
    "EMAIL_PASSWORD", "EMAIL_USER", "STRIPE_SECRET_KEY", "STRIPE_THIN_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET",
  ]

  database_host = "${aws_db_instance.main.address}:${aws_db_instance.main.port}"
  logins        = { DATABASE_URL = "porch_app", DATABASE_OWNER_URL = "porch_owner" }
}

resource "aws_secretsmanager_secret" "setting" {
  for_each = toset(concat(local.secrets_made, local.secrets_by_hand))

  name                    = "${local.name}/${each.key}"
  description             = "The setting ${each.key} of .env.example"
  kms_key_id              = aws_kms_key.main.arn
  recovery_window_in_days = var.protect ? 30 : 7
}

resource "aws_secretsmanager_secret_version" "secret_key" {
  secret_id     = aws_secretsmanager_secret.setting["SECRET_KEY"].id
  secret_string = local.words[local.secret_keys[0]]
}

# Those before it. A secret cannot be empty, so where there is none it says the only one once more.
resource "aws_secretsmanager_secret_version" "secret_key_fallbacks" {
  secret_id = aws_secretsmanager_secret.setting["SECRET_KEY_FALLBACKS"].id
  secret_string = join(" ", [
    for number, name in local.secret_keys : local.words[name] if number > 0 || length(local.secret_keys) == 1
  ])
}

resource "aws_secretsmanager_secret_version" "database" {
  for_each = local.logins

  secret_id     = aws_secretsmanager_secret.setting[each.key].id
  secret_string = "postgresql://${each.value}:${local.words[each.value]}@${local.database_host}/porchlight"
}

resource "aws_secretsmanager_secret_version" "redis" {
  secret_id = aws_secretsmanager_secret.setting["REDIS_URL"].id
  secret_string = join(" ", [
    for primary in aws_elasticache_replication_group.primary :
    "rediss://:${local.words["valkey"]}@${primary.primary_endpoint_address}:6379/0"
  ])
}
