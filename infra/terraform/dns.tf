# The platform's host, every tenant's by one wildcard, and the widget's, which is more exact than the wildcard and so wins.

resource "aws_route53_zone" "main" {
  count = var.zone_id == null ? 1 : 0

  name    = var.base_host
  comment = local.name
}

locals {
  zone_id = var.zone_id == null ? aws_route53_zone.main[0].zone_id : var.zone_id
}

resource "aws_route53_record" "console" {
  for_each = { platform = var.base_host, tenants = "*.${var.base_host}" }

  zone_id = local.zone_id
  name    = each.value
  type    = "A"

  alias {
    name                   = aws_lb.edge["console"].dns_name
    zone_id                = aws_lb.edge["console"].zone_id
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "widget" {
  for_each = toset(["A", "AAAA"])

  zone_id = local.zone_id
  name    = local.widget_host
  type    = each.value

  alias {
    name                   = aws_cloudfront_distribution.widget.domain_name
    zone_id                = aws_cloudfront_distribution.widget.hosted_zone_id
    evaluate_target_health = false
  }
}

# Only Amazon may make certificates for these names.
resource "aws_route53_record" "caa" {
  zone_id = local.zone_id
  name    = var.base_host
  type    = "CAA"
  ttl     = 3600
  records = ["0 issue \"amazon.com\"", "0 issuewild \"amazon.com\""]
}
