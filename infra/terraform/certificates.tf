# One certificate for the platform and every tenant, at the load balancer and, in CloudFront's own region, for the widget.

resource "aws_acm_certificate" "main" {
  domain_name               = var.base_host
  subject_alternative_names = ["*.${var.base_host}"]
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "cdn" {
  provider = aws.us_east_1

  domain_name               = var.base_host
  subject_alternative_names = ["*.${var.base_host}"]
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

locals {
  # A name, its wildcard, and the same name in another region are all proven by one record.
  proof = one([for option in aws_acm_certificate.main.domain_validation_options : option if option.domain_name == var.base_host])
}

resource "aws_route53_record" "proof" {
  zone_id         = local.zone_id
  name            = local.proof.resource_record_name
  type            = local.proof.resource_record_type
  records         = [local.proof.resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "main" {
  certificate_arn         = aws_acm_certificate.main.arn
  validation_record_fqdns = [aws_route53_record.proof.fqdn]
}

resource "aws_acm_certificate_validation" "cdn" {
  provider = aws.us_east_1

  certificate_arn         = aws_acm_certificate.cdn.arn
  validation_record_fqdns = [aws_route53_record.proof.fqdn]
}
