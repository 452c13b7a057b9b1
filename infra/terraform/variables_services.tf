variable "services" {
  description = "Size and number of tasks: cpu in units of 1/1024, memory in MiB. One server process per task, so more than 1024 cpu is of no use."
  type = object({
    web    = object({ cpu = number, memory = number, least = number, most = number })
    ws     = object({ cpu = number, memory = number, least = number, most = number })
    worker = object({ cpu = number, memory = number, least = number, most = number })
  })

  validation {
    condition     = alltrue([for size in values(var.services) : contains([256, 512, 1024], size.cpu)])
    error_message = "services: cpu is 256, 512 or 1024. A task is one process, which uses one core; take more tasks instead."
  }

  validation {
    condition = alltrue([
      for size in values(var.services) :
      size.memory >= 2 * size.cpu && size.memory <= (size.cpu == 256 ? 2048 : 8 * size.cpu) && size.memory % 512 == 0
    ])
    error_message = "services: Fargate gives 512 to 2048 MiB to 256 cpu, 1024 to 4096 to 512, 2048 to 8192 to 1024, in steps of 512 here."
  }

  validation {
    condition     = alltrue([for size in values(var.services) : size.least >= 1 && size.least <= size.most && size.most <= 500])
    error_message = "services: least is at least 1 and at most what most says, which is at most 500."
  }

  validation {
    condition     = var.environment != "production" || alltrue([for size in values(var.services) : size.least >= 2])
    error_message = "services: in production each service has at least 2 tasks, so that one may fail or be replaced."
  }
}

variable "connections_per_task" {
  description = "Open sockets per ws task that scaling aims at. A task was measured with 10,000; the rest is for those who come back when a task ends."
  type        = number
  default     = 4000

  validation {
    condition     = var.connections_per_task >= 100 && var.connections_per_task <= 8000
    error_message = "connections_per_task is 100 to 8000."
  }
}

variable "settings" {
  description = "Further settings of .env.example, by name, for every task. Secrets do not belong here; see optional_secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.settings), keys(local.settable))) == 0
    error_message = "settings: ${join(", ", setsubtract(keys(var.settings), keys(local.settable)))} cannot be set here; possible are ${join(", ", keys(local.settable))}."
  }

  validation {
    condition = alltrue([
      for name, value in var.settings : can(regex(local.forms[local.settable[name]].pattern, value)) if contains(keys(local.settable), name)
    ])
    error_message = "settings: ${join("; ", [
      for name, value in var.settings : "${name} is \"${value}\", and must be ${local.forms[local.settable[name]].words}"
      if contains(keys(local.settable), name) && !can(regex(local.forms[try(local.settable[name], "number")].pattern, value))
    ])}."
  }

  validation {
    condition = try(
      tonumber(lookup(var.settings, "BILLING_GRACE_DAYS", "7")) <= tonumber(lookup(var.settings, "BILLING_RESTRICTED_DAYS", "21")) &&
      tonumber(lookup(var.settings, "BILLING_RESTRICTED_DAYS", "21")) <= tonumber(lookup(var.settings, "BILLING_CLOSED_DAYS", "90")),
      true,
    )
    error_message = "settings: the days until a tenant is restricted (BILLING_GRACE_DAYS), suspended (BILLING_RESTRICTED_DAYS) and closed with its data deleted (BILLING_CLOSED_DAYS) may not become fewer."
  }
}

variable "optional_secrets" {
  description = "Which of the optional secrets hold a value by now, and are handed to the tasks. Put the value in first (README)."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.optional_secrets, local.secrets_by_hand)) == 0
    error_message = "optional_secrets may name ${join(", ", local.secrets_by_hand)}."
  }
}
