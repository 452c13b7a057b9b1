# Passwords and keys that are made here: random once, and again when their version is raised.

locals {
  # Each SECRET_KEY that counts, the newest first: what was encrypted, derived or signed under one is read under that one.
  secret_keys = [for number in reverse(range(var.secret_key_oldest, var.secret_key_version + 1)) : "SECRET_KEY_${number}"]
  word_versions = merge({ for name in local.secret_keys : name => 1 }, {
    porch_app   = var.passwords_version
    porch_owner = var.passwords_version
    valkey      = var.valkey_token_version
    cdn         = 1 # what CloudFront shows to the load balancer
  })
  words = { for name, word in terraform_data.word : name => sensitive(word.output) }
}

# Before there were more of them than one.
moved {
  from = terraform_data.word["SECRET_KEY"]
  to   = terraform_data.word["SECRET_KEY_1"]
}

data "aws_secretsmanager_random_password" "word" {
  for_each = local.word_versions

  password_length     = 50
  exclude_punctuation = true # some stand in URLs
}

# The source has another word each time that it is asked; the first is kept.
resource "terraform_data" "word" {
  for_each = local.word_versions

  input            = data.aws_secretsmanager_random_password.word[each.key].random_password
  triggers_replace = [each.value]

  lifecycle {
    ignore_changes = [input]
  }
}
