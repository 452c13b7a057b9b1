# Passwords and keys that are made here: random once, and again when their version is raised.

locals {
  word_versions = {
    SECRET_KEY  = var.secret_key_version
    porch_app   = var.passwords_version
    porch_owner = var.passwords_version
    valkey      = var.valkey_token_version
    cdn         = 1 # what CloudFront shows to the load balancer
  }
  words = { for name, word in terraform_data.word : name => sensitive(word.output) }
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
