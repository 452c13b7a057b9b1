# The widget's host: CloudFront keeps the loader, each site's config and picture, and the static files at its edges, as long as
# their Cache-Control allows, and passes everything else on, sockets included.

locals {
  widget_host = "widget.${var.base_host}"
  cdn_header  = "x-porchlight-cdn"
  cdn_cached  = ["/porchlight.js", "/w/*/config", "/w/*/logo/*", "/static/*"]

  # Policies that AWS keeps, the same in every account.
  as_the_origin_says = "658327ea-f89d-4fab-a63d-7e88639e58f6" # Managed-CachingOptimized
  never_cached       = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" # Managed-CachingDisabled
  whole_request      = "216adef6-5c7f-47e4-b989-5492eafa07d3" # Managed-AllViewer
}

resource "aws_cloudfront_distribution" "widget" {
  comment         = "${local.name}: the widget"
  aliases         = [local.widget_host]
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  price_class     = var.cdn_price_class
  web_acl_id      = aws_wafv2_web_acl.cdn.arn

  origin {
    origin_id   = "edge"
    domain_name = aws_lb.edge["widget"].dns_name # its certificate is checked against the Host, which is passed on

    custom_header {
      name  = local.cdn_header
      value = local.words["cdn"]
    }

    custom_origin_config {
      http_port                = 80
      https_port               = 443
      origin_protocol_policy   = "https-only"
      origin_ssl_protocols     = ["TLSv1.2"]
      origin_read_timeout      = 60 # a poll without news is answered after 25 s
      origin_keepalive_timeout = 60
    }
  }

  default_cache_behavior {
    target_origin_id         = "edge"
    viewer_protocol_policy   = "https-only"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = local.never_cached
    origin_request_policy_id = local.whole_request
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.cdn_cached

    content {
      path_pattern             = ordered_cache_behavior.value
      target_origin_id         = "edge"
      viewer_protocol_policy   = "redirect-to-https"
      allowed_methods          = ["GET", "HEAD", "OPTIONS"]
      cached_methods           = ["GET", "HEAD"]
      compress                 = true
      cache_policy_id          = local.as_the_origin_says
      origin_request_policy_id = local.whole_request
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = aws_acm_certificate_validation.cdn.certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }
}
