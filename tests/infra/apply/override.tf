# The stack as it is, but with its state in the folder and a provider that asks nobody for real keys. The few tries matter: what
# the local AWS does not know fails at once instead of after minutes.

terraform {
  backend "local" {}
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
  max_retries                 = 2
}

provider "aws" {
  alias                       = "us_east_1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
  max_retries                 = 2
}
