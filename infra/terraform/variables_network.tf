variable "vpc_cidr" {
  description = "The private addresses of this installation. A /16, so that every subnet has room for its tasks."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && endswith(var.vpc_cidr, "/16")
    error_message = "vpc_cidr is an IPv4 network of size /16, like 10.40.0.0/16."
  }
}

variable "zones" {
  description = "The availability zones to spread over, by their letters. Named, so that a new one of AWS's moves nothing."
  type        = list(string)
  default     = ["a", "b"]

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 3 && length(distinct(var.zones)) == length(var.zones)
    error_message = "zones are 2 or 3 different ones: the load balancer wants two, and few regions have more than three."
  }

  validation {
    condition     = alltrue([for zone in var.zones : can(regex("^[a-f]$", zone))])
    error_message = "zones are single letters, like [\"a\", \"b\"]."
  }
}

variable "nat_per_zone" {
  description = "A NAT gateway in each zone, so that the loss of one zone cuts off no other. One for all costs less."
  type        = bool
  default     = true
}

variable "idle_timeout_seconds" {
  description = "After so many silent seconds the load balancer closes a connection. The server pings each 25 s; one lost ping must not cost a socket."
  type        = number
  default     = 120

  validation {
    condition     = var.idle_timeout_seconds >= 60 && var.idle_timeout_seconds <= 125
    error_message = "idle_timeout_seconds is 60 to 125: more than two pings of 25 s, and less than the 130 s that the server keeps an idle connection, into whose end the load balancer would write."
  }
}

variable "requests_per_ip" {
  description = "Requests that one address may make in five minutes, before the firewall refuses it for a while. Offices share one address."
  type        = number
  default     = 6000

  validation {
    condition     = var.requests_per_ip >= 100 && var.requests_per_ip <= 2000000000
    error_message = "requests_per_ip is at least 100 in five minutes."
  }
}

variable "cdn_price_class" {
  description = "Which of CloudFront's edges serve the widget: PriceClass_100 (America, Europe), PriceClass_200, PriceClass_All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.cdn_price_class)
    error_message = "cdn_price_class is PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "log_requests" {
  description = "Whether the load balancers write down each request, and the firewalls show samples. Both hold whole addresses, among them links that let somebody in (README, who knows what): for as long as a fault is looked for, and no longer."
  type        = bool
  default     = false
}
