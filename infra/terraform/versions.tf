terraform {
  required_version = ">= 1.11" # the state's own lock in S3

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Each environment has a state of its own: terraform init -backend-config=environments/<name>.s3.tfbackend
  backend "s3" {}
}
