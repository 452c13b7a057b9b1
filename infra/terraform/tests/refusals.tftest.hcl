# What the variables refuse. A run plans the whole stack, so each puts wrong what the others leave right, as much as it can:
# every variable must fail by itself, and none beside those that are named.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

run "words_of_the_wrong_form" {
  command = plan

  variables {
    environment      = "prod"
    region           = "Frankfurt"
    base_host        = "https://porchlight.example"
    zone_id          = "porchlight.example"
    image            = "registry.example/porchlight:latest"
    alarm_email      = "operators"
    vpc_cidr         = "10.40.0.0/24"
    cdn_price_class  = "PriceClass_1"
    architecture     = "arm"
    log_days         = 31
    database_version = "17"
    settings         = { STRIPE_SECRET_KEY = "sk_live_x" }
    optional_secrets = ["STRIPE_KEY"]

    metrics_agent_image        = "public.ecr.aws/cloudwatch-agent/cloudwatch-agent:latest"
    custom_domain_certificates = ["arn:aws:iam::123456789012:server-certificate/x"]
  }

  expect_failures = [
    var.environment, var.region, var.base_host, var.zone_id, var.image, var.alarm_email, var.vpc_cidr, var.cdn_price_class,
    var.architecture, var.log_days, var.database_version, var.settings, var.optional_secrets, var.metrics_agent_image,
    var.custom_domain_certificates,
  ]
}

run "numbers_that_lose_sockets_or_data" {
  command = plan

  variables {
    image                = "registry.example/porchlight"
    idle_timeout_seconds = 25 # as short as a ping
    connections_per_task = 20000
    requests_per_ip      = 10
    zones                = ["a"]
    passwords_version    = 0
    secret_key_version   = 1.5
    valkey_token_version = 0
    files_versions_days  = 0
    protect              = false # in production
    services = {
      web    = { cpu = 512, memory = 1024, least = 2, most = 8 }
      ws     = { cpu = 1024, memory = 2048, least = 1, most = 25 } # one alone in production
      worker = { cpu = 512, memory = 640, least = 2, most = 4 }    # less than Fargate gives to half a core
    }
    database = {
      instance_class  = "db.m7g.large"
      storage         = 100
      storage_most    = 1000
      backup_days     = 14
      standby         = false
      max_connections = 1100
    }
    valkey = { node_type = "cache.t4g.small", primaries = 2, replicas = 0 }
  }

  expect_failures = [
    var.image, var.idle_timeout_seconds, var.connections_per_task, var.requests_per_ip, var.zones, var.passwords_version,
    var.services, var.database, var.valkey, var.secret_key_version, var.valkey_token_version, var.files_versions_days, var.protect,
  ]
}

run "numbers_that_do_not_fit_each_other" {
  command = plan

  variables {
    idle_timeout_seconds = 300 # longer than the server keeps an idle connection
    secret_key_oldest    = 2   # newer than the newest
    database_pool        = 11  # and four more, for each of 37 tasks, twice: 1,110 of 1,100
    settings             = { EMAIL_PORT = "smtp" }
  }

  expect_failures = [var.idle_timeout_seconds, var.secret_key_oldest, var.database_pool, var.settings]
}

# One setting wrong in each: they are refused by one variable, of which the first complaint would hide the others. Only what reads
# the variable and is small is planned.

run "mail_in_the_clear" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { EMAIL_TLS = "0" }
  }

  expect_failures = [var.settings]
}

run "a_limit_of_another_form" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { LIMITS = "chat.send.ip=5000" }
  }

  expect_failures = [var.settings]
}

run "a_limit_of_nothing" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { LIMITS = "chat.send.ip=5000/10 sign_up_ip=0/3600" }
  }

  expect_failures = [var.settings]
}

run "a_number_that_is_none" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { SLOW_QUERY_MS = "half a second" }
  }

  expect_failures = [var.settings]
}

run "no_beat" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { BUS_BEAT_MS = "0" }
  }

  expect_failures = [var.settings]
}

run "a_form_of_log_that_is_none" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { LOG_FORMAT = "plain" }
  }

  expect_failures = [var.settings]
}

run "a_port_that_is_none" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { EMAIL_PORT = "65536" }
  }

  expect_failures = [var.settings]
}

run "a_host_with_a_scheme" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { EMAIL_HOST = "smtp://mail.porchlight.example" }
  }

  expect_failures = [var.settings]
}

run "an_address_that_is_none" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { SUPPORT_EMAIL = "help" }
  }

  expect_failures = [var.settings]
}

run "a_sender_that_is_none" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { EMAIL_FROM = "Porchlight" }
  }

  expect_failures = [var.settings]
}

run "slugs_parted_by_commas" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { MIGRATE_FIRST = "acme,globex" }
  }

  expect_failures = [var.settings]
}

run "deleted_before_it_is_suspended" {
  command = plan

  plan_options {
    target = [aws_vpc_security_group_egress_rule.tasks_out]
  }

  variables {
    settings = { BILLING_CLOSED_DAYS = "14" }
  }

  expect_failures = [var.settings]
}
