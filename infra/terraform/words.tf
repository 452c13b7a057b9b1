# Passwords and keys that are made here: random once. A password is made anew when its version is raised, a key never: there is
# another one then.

locals {
  # Each SECRET_KEY that counts, the newest first: what was encrypted, derived or signed under one is read under that one.
  secret_keys = [for number in reverse(range(var.secret_key_oldest, var.secret_key_version + 1)) : "SECRET_KEY_${number}"]
  word_versions = {
    porch_app   = var.passwords_version
    porch_owner = var.passwords_version
    valkey      = var.valkey_token_version
    cdn         = 1 # what CloudFront shows to the load balancer
  }
  words = { for name, word in merge(terraform_data.word, terraform_data.secret_key) : name => sensitive(word.output) }
}

# Before there were more of them than one, and while they were made anew like passwords.
moved {
  from = terraform_data.word["SECRET_KEY"]
  to   = terraform_data.word["SECRET_KEY_1"]
}

moved {
  from = terraform_data.word["SECRET_KEY_1"]
  to   = terraform_data.secret_key["SECRET_KEY_1"]
}

data "aws_secretsmanager_random_password" "word" {
  for_each = toset(concat(keys(local.word_versions), local.secret_keys))

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

# The one that was the only one still bears its version of then, which must not replace it: what it encrypted could be read no more.
resource "terraform_data" "secret_key" {
  for_each = toset(local.secret_keys)

  input = data.aws_secretsmanager_random_password.word[each.key].random_password

  lifecycle {
    ignore_changes = [input, triggers_replace]
  }
}
