# What the tasks get as environment variables and as secrets, by the names of saas/settings.py and .env.example. A test compares.

locals {
  # Every task.
  settings_of_all = merge(
    {
      PORCHLIGHT_SCHEME      = "https"
      PORCHLIGHT_BASE_HOST   = var.base_host
      PORCHLIGHT_WIDGET_HOST = local.widget_host
      TRUST_PROXY            = "1" # the load balancer; what stands before it, it puts as its own (edge.tf)
      WORKER_IN_PROCESS      = "0"
      DATABASE_POOL          = tostring(var.database_pool)
      DATA_DIR               = local.scratch
      FILES_BUCKET           = aws_s3_bucket.files.id
      EMAIL_HOST             = "email-smtp.${var.region}.amazonaws.com"
      EMAIL_PORT             = "587"
      EMAIL_TLS              = "1"
      METRICS_PORT           = tostring(local.metrics_port)
      AWS_REGION             = var.region    # read by the client of S3
      PGSSLMODE              = "require"     # read by PostgreSQL's client library
      TMPDIR                 = local.scratch # read by Python
    },
    var.settings,
  )

  # What an operator may choose by the variable `settings`.
  settable = [
    "BILLING_CLOSED_DAYS", "BILLING_GRACE_DAYS", "BILLING_RESTRICTED_DAYS", "BILLING_TWO_PERSON_ABOVE", "BUS_BEAT_MS",
    "EMAIL_FROM", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_TLS", "LIMITS", "LOG_FORMAT", "MIGRATE_FIRST", "SLOW_MESSAGE_MS",
    "SLOW_QUERY_MS", "SLOW_REQUEST_MS", "SUPPORT_EMAIL",
  ]

  # A process that faces the world's sockets has no use for the owner's password, but the settings want the name.
  no_owner = { DATABASE_OWNER_URL = "postgresql://nobody@localhost/none" }

  settings_of = {
    web = { PORCHLIGHT_SERVES = "web" }
    ws = merge(local.no_owner, {
      PORCHLIGHT_SERVES = "ws"
      TARGET_GROUP_ARNS = join(" ", [for key, door in local.doors : aws_lb_target_group.door[key].arn if door.service == "ws"])
    })
    worker  = {}
    migrate = { DATABASE_AS_OWNER = "1" }
    prepare = { PGHOST = aws_db_instance.main.address, PGPORT = "5432", PGDATABASE = "postgres" }
  }

  # Sign-up makes schemas, closing a tenant drops them: `web` and `worker` hold the owner's login, `ws` does not.
  secrets_of = {
    web     = concat(local.secrets_made, sort(var.optional_secrets))
    ws      = concat([for name in local.secrets_made : name if name != "DATABASE_OWNER_URL"], sort(var.optional_secrets))
    worker  = concat(local.secrets_made, sort(var.optional_secrets))
    migrate = local.secrets_made
    prepare = local.secrets_made
  }

  # RDS keeps the administrator's login as JSON. Only the task that makes the two other logins gets it.
  admin_secret = aws_db_instance.main.master_user_secret[0].secret_arn
  admin_of     = { prepare = { PGUSER = "${local.admin_secret}:username::", PGPASSWORD = "${local.admin_secret}:password::" } }

  environment = {
    for task, own in local.settings_of : task => [
      for name, value in merge(local.settings_of_all, own) : { name = name, value = value }
    ]
  }
  secrets = {
    for task, names in local.secrets_of : task => concat(
      [for name in names : { name = name, valueFrom = aws_secretsmanager_secret.setting[name].arn }],
      [for name, from in lookup(local.admin_of, task, {}) : { name = name, valueFrom = from }],
    )
  }
}
