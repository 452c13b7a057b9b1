# Who knows what: each service its own secrets, and no log what lets somebody in. With every secret that can be put in by hand.

mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "us_east_1"
  source = "./tests/mocks"
}

variables {
  optional_secrets = ["EMAIL_PASSWORD", "EMAIL_USER", "STRIPE_SECRET_KEY", "STRIPE_THIN_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET"]
}

# The provider that pretends gives every word the same letters; which of them is which is said by its name.
run "new_secret_key" {
  command = plan

  variables {
    secret_key_version = 4
    secret_key_oldest  = 2
  }

  assert {
    condition     = local.secret_keys == ["SECRET_KEY_4", "SECRET_KEY_3", "SECRET_KEY_2"]
    error_message = "The newest SECRET_KEY is the one that signs, and those before it count down to the oldest."
  }
}

run "each_its_own" {
  command = apply

  assert {
    condition = (
      local.secret_keys == ["SECRET_KEY_1"] && nonsensitive(
        aws_secretsmanager_secret_version.secret_key_fallbacks.secret_string ==
        aws_secretsmanager_secret_version.secret_key.secret_string
      )
    )
    error_message = "Where there was never another SECRET_KEY, nothing else is a fallback."
  }

  assert {
    condition = (
      [for each in jsondecode(aws_ecs_task_definition.service["ws"].container_definitions)[0].secrets : each.name] ==
      ["SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL"]
    )
    error_message = "The servers of sockets hold neither Stripe's key, nor the mail server's password, nor the owner's."
  }

  assert {
    condition = (
      [for each in jsondecode(aws_ecs_task_definition.service["web"].container_definitions)[0].secrets : each.name] ==
      concat(local.secrets_made, ["STRIPE_SECRET_KEY", "STRIPE_THIN_WEBHOOK_SECRET", "STRIPE_WEBHOOK_SECRET"])
    )
    error_message = "The servers of pages ask Stripe and hear it; they hand over no mail."
  }

  assert {
    condition = (
      [for each in jsondecode(aws_ecs_task_definition.service["worker"].container_definitions)[0].secrets : each.name] ==
      concat(local.secrets_made, ["EMAIL_PASSWORD", "EMAIL_USER", "STRIPE_SECRET_KEY"])
    )
    error_message = "The worker asks Stripe and hands over mail; no webhook comes to it."
  }

  assert {
    condition = (
      [for each in jsondecode(aws_ecs_task_definition.one_off["prepare"].container_definitions)[0].secrets : each.name] ==
      ["SECRET_KEY", "DATABASE_URL", "DATABASE_OWNER_URL", "PGPASSWORD", "PGUSER"]
    )
    error_message = "The task that makes the logins does not reach the bus."
  }

  assert {
    condition = (
      [for each in jsondecode(aws_ecs_task_definition.one_off["plans"].container_definitions)[0].secrets : each.name] ==
      ["SECRET_KEY", "DATABASE_URL", "STRIPE_SECRET_KEY"]
    )
    error_message = "The task that brings plans to Stripe has its key, and no login but the servers' own."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.execution : one([
        for each in document.statement :
        one([for condition in each.condition : condition.values if condition.variable == "kms:ViaService"]) if each.sid == "TheirKey"
      ]) == tolist(["secretsmanager.${var.region}.amazonaws.com"])
    ])
    error_message = "Who starts a task uses the key for its secrets, and for nothing else that is encrypted with it."
  }

  assert {
    condition     = alltrue([for edge in aws_lb.edge : !edge.access_logs[0].enabled && edge.connection_logs[0].enabled])
    error_message = "The load balancers write down who connected, and no address of a request: some let somebody in."
  }

  assert {
    condition = alltrue(flatten([
      for acl in [aws_wafv2_web_acl.console, aws_wafv2_web_acl.cdn] : [
        for config in concat(acl.visibility_config, flatten(acl.rule[*].visibility_config)) :
        !config.sampled_requests_enabled && config.cloudwatch_metrics_enabled
      ]
    ]))
    error_message = "The firewalls count what they refuse, and show no request."
  }
}

run "while_a_fault_is_looked_for" {
  command = plan

  plan_options {
    target = [aws_lb.edge, aws_wafv2_web_acl.console]
  }

  variables {
    log_requests = true
  }

  assert {
    condition = (
      alltrue([for edge in aws_lb.edge : edge.access_logs[0].enabled]) &&
      alltrue([for config in aws_wafv2_web_acl.console.visibility_config : config.sampled_requests_enabled])
    )
    error_message = "Whoever asks for it sees requests."
  }
}
