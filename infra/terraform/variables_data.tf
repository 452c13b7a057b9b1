variable "database" {
  description = "The PostgreSQL server: class, GiB of storage now and at most, days of backups, and how many connections it takes."
  type = object({
    instance_class  = string
    storage         = number
    storage_most    = number
    backup_days     = number
    standby         = bool
    max_connections = number
  })

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.database.instance_class))
    error_message = "database.instance_class is written like db.m7g.large."
  }

  validation {
    condition     = var.database.storage >= 20 && var.database.storage_most > var.database.storage
    error_message = "database.storage is at least 20 GiB, and storage_most is more, so that it can grow."
  }

  validation {
    condition     = var.database.backup_days >= 1 && var.database.backup_days <= 35
    error_message = "database.backup_days is 1 to 35: without backups there is no way back to a moment before a mistake."
  }

  validation {
    condition     = var.environment != "production" || (var.database.standby && var.database.backup_days >= 7)
    error_message = "database: in production there is a standby in another zone, and backups are kept for at least 7 days."
  }
}

variable "database_version" {
  description = "PostgreSQL's version. Only from 18 on does a server tell its clients of a changed search_path, which Porchlight checks."
  type        = string
  default     = "18"

  validation {
    condition     = can(regex("^(18|19)(\\.[0-9]+)?$", var.database_version))
    error_message = "database_version is 18 or newer."
  }
}

variable "database_pool" {
  description = "Connections in the pool of one process. Its journal opens up to four more, a job worker two; all together must stay below database.max_connections."
  type        = number
  default     = 10

  validation {
    condition     = var.database_pool >= 2 && var.database_pool <= 50
    error_message = "database_pool is 2 to 50."
  }

  validation {
    condition     = sum([for size in values(var.services) : size.most]) * 2 * (var.database_pool + 4) <= var.database.max_connections
    error_message = "All tasks at their most, twice during a deploy, need more connections than database.max_connections, database_pool and four for each: lower services.*.most or database_pool, or raise max_connections."
  }
}

variable "passwords_version" {
  description = "Raise it by one to have new passwords made for the two logins of the database (README, rotation)."
  type        = number
  default     = 1

  validation {
    condition     = var.passwords_version >= 1 && floor(var.passwords_version) == var.passwords_version
    error_message = "passwords_version is a whole number from 1 on."
  }
}

variable "secret_key_version" {
  description = "Raise it by one to have a new SECRET_KEY made; those before it go on counting (README, rotation)."
  type        = number
  default     = 1

  validation {
    condition     = var.secret_key_version >= 1 && floor(var.secret_key_version) == var.secret_key_version
    error_message = "secret_key_version is a whole number from 1 on."
  }
}

variable "secret_key_oldest" {
  description = "The oldest SECRET_KEY that still counts. Raise it to forget those before: what people and customers got under them is lost (README, rotation)."
  type        = number
  default     = 1

  validation {
    condition     = var.secret_key_oldest >= 1 && floor(var.secret_key_oldest) == var.secret_key_oldest && var.secret_key_oldest <= var.secret_key_version
    error_message = "secret_key_oldest is a whole number from 1 to secret_key_version."
  }
}

variable "valkey" {
  description = "The bus between processes. Several primaries share the rooms; each may have replicas that take its place."
  type = object({
    node_type = string
    primaries = number
    replicas  = number
  })

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.valkey.node_type))
    error_message = "valkey.node_type is written like cache.t4g.small."
  }

  validation {
    condition     = var.valkey.primaries >= 1 && var.valkey.primaries <= 8 && var.valkey.replicas >= 0 && var.valkey.replicas <= 2
    error_message = "valkey has 1 to 8 primaries with 0 to 2 replicas each."
  }

  validation {
    condition     = var.environment != "production" || var.valkey.replicas >= 1
    error_message = "valkey: in production each primary has a replica."
  }
}

variable "valkey_token_version" {
  description = "Raise it by one to have a new token for Valkey made (README, rotation)."
  type        = number
  default     = 1

  validation {
    condition     = var.valkey_token_version >= 1 && floor(var.valkey_token_version) == var.valkey_token_version
    error_message = "valkey_token_version is a whole number from 1 on."
  }
}

variable "files_versions_days" {
  description = "Days that deleted or replaced files can still be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.files_versions_days >= 1 && var.files_versions_days <= 365
    error_message = "files_versions_days is 1 to 365."
  }
}
