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

  # What an operator may choose by the variable `settings`, and the form of each: what does not have it would end every task at its
  # start, or say something else than was meant. Mail is always encrypted: it holds links that let somebody in.
  settable = {
    BILLING_CLOSED_DAYS      = "count"
    BILLING_GRACE_DAYS       = "number"
    BILLING_RESTRICTED_DAYS  = "number"
    BILLING_TWO_PERSON_ABOVE = "number"
    BUS_BEAT_MS              = "count"
    EMAIL_FROM               = "sender"
    EMAIL_HOST               = "host"
    EMAIL_PORT               = "port"
    LIMITS                   = "limits"
    LOG_FORMAT               = "format"
    MIGRATE_FIRST            = "slugs"
    SLOW_MESSAGE_MS          = "number"
    SLOW_QUERY_MS            = "number"
    SLOW_REQUEST_MS          = "number"
    SUPPORT_EMAIL            = "address"
  }
  forms = {
    number  = { words = "a whole number", pattern = "^[0-9]{1,9}$" }
    count   = { words = "a whole number from 1 on", pattern = "^[1-9][0-9]{0,8}$" }
    port    = { words = "the number of a port", pattern = "^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$" }
    host    = { words = "a host in lower case, like mail.example.com", pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$" }
    address = { words = "a mail address", pattern = "^[^@<>\\s]+@[^@<>\\s]+\\.[^@<>\\s]+$" }
    sender  = { words = "a mail address, or a name and <a mail address>", pattern = "^([^@<>\\s]+@[^@<>\\s]+|[^@<>\\r\\n]+ <[^@<>\\s]+@[^@<>\\s]+>)$" }
    slugs   = { words = "slugs of tenants, parted by spaces", pattern = "^[a-z0-9-]+( [a-z0-9-]+)*$" }
    format  = { words = "json or line", pattern = "^(json|line)$" }
    limits = {
      words   = "of the form name=times/seconds, parted by spaces, each more than nothing"
      pattern = "^[a-z][a-z0-9_.]*=[1-9][0-9]*/([1-9][0-9]*|[0-9]+\\.[0-9]*[1-9])( [a-z][a-z0-9_.]*=[1-9][0-9]*/([1-9][0-9]*|[0-9]+\\.[0-9]*[1-9]))*$"
    }
  }

  # Who has no use for the owner's password, first of all a process that faces the world's sockets; but the settings want the name.
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
    plans   = local.no_owner
  }

  # Each its own. Sign-up makes schemas, closing a tenant drops them: `web` and `worker` hold the owner's login, `ws` does not. Of
  # what is put in by hand, `web` asks Stripe and hears its webhooks; `worker` asks Stripe and hands over the mail, all of which
  # goes by jobs; sockets have to do with neither. `prepare` talks to the database alone, `plans` to that and to Stripe.
  secrets_of = {
    web     = concat(local.secrets_made, local.by_hand_of.web)
    ws      = [for name in local.secrets_made : name if name != "DATABASE_OWNER_URL"]
    worker  = concat(local.secrets_made, local.by_hand_of.worker)
    migrate = local.secrets_made
    prepare = [for name in local.secrets_made : name if !contains(["REDIS_URL", "SECRET_KEY_FALLBACKS"], name)]
    plans   = concat(["SECRET_KEY", "DATABASE_URL"], local.by_hand_of.plans)
  }
  by_hand_of = {
    web    = [for name in sort(var.optional_secrets) : name if startswith(name, "STRIPE_")]
    worker = [for name in sort(var.optional_secrets) : name if startswith(name, "EMAIL_") || name == "STRIPE_SECRET_KEY"]
    plans  = [for name in var.optional_secrets : name if name == "STRIPE_SECRET_KEY"]
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
