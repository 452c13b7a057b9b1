variable "environment" {
  description = "Which installation this is. It is part of every name."
  type        = string

  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment is staging or production, not \"${var.environment}\"."
  }
}

variable "region" {
  description = "Where everything runs that is not at CloudFront's edge."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is written like eu-central-1, not \"${var.region}\"."
  }
}

variable "base_host" {
  description = "The platform's host, without a port. Tenants are <slug>.<base host>, the widget is widget.<base host>."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.base_host)) && !startswith(var.base_host, "*")
    error_message = "base_host is a plain host in lower case, like chat.example.com, not \"${var.base_host}\"."
  }
}

variable "zone_id" {
  description = "The Route 53 zone that base_host lies in. Null makes a zone for it, whose name servers you then enter at your registrar."
  type        = string
  default     = null

  validation {
    condition     = var.zone_id == null || can(regex("^Z[A-Z0-9]+$", var.zone_id))
    error_message = "zone_id is the id of a hosted zone, like Z0123456789ABC."
  }
}

variable "custom_domain_certificates" {
  description = "ARNs of certificates in this region for tenants' own domains. The load balancer chooses among them by name."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.custom_domain_certificates : can(regex("^arn:[a-z-]+:acm:", arn))])
    error_message = "custom_domain_certificates holds ARNs of ACM certificates (arn:aws:acm:...)."
  }
}

variable "image" {
  description = "The container image of Porchlight, with a tag that never moves or a digest."
  type        = string

  validation {
    condition     = can(regex("^[^\\s:]+(:[0-9]+/[^\\s:]+)?(:[\\w.-]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image needs a tag or a digest, and latest is neither: a deploy could not be told from the one before, nor taken back."
  }
}

variable "metrics_agent_image" {
  description = "The CloudWatch agent that runs beside each server and brings its metrics to CloudWatch."
  type        = string
  default     = "public.ecr.aws/cloudwatch-agent/cloudwatch-agent:1.300049.1b929"

  validation {
    condition     = can(regex(":[\\w.-]+$|@sha256:", var.metrics_agent_image)) && !endswith(var.metrics_agent_image, ":latest")
    error_message = "metrics_agent_image needs a tag other than latest, or a digest."
  }
}

variable "architecture" {
  description = "What the image was built for. ARM64 costs a fifth less."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.architecture)
    error_message = "architecture is ARM64 or X86_64."
  }
}

variable "protect" {
  description = "Whether what holds data, and the load balancer, refuses to be deleted."
  type        = bool
  default     = true

  validation {
    condition     = var.environment != "production" || var.protect
    error_message = "protect: in production it stays true. Without it a mistake deletes the database with no last snapshot, and all files."
  }
}

variable "alarm_email" {
  description = "Who hears of alarms. AWS asks that address twice whether it agrees, once in each of two regions."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alarm_email))
    error_message = "alarm_email is a mail address, not \"${var.alarm_email}\"."
  }
}

variable "log_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_days)
    error_message = "log_days is one of 7, 14, 30, 60, 90, 180, 365."
  }
}
