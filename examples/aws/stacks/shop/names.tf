# The shop's names: each track gets its part of the visitors.
resource "aws_route53_zone" "main" {
  name    = var.domain
  comment = "Visitors of ${var.name}"
}

resource "aws_route53_record" "shop" {
  for_each = var.tracks

  zone_id        = aws_route53_zone.main.zone_id
  name           = "www.${var.domain}"
  type           = "A"
  set_identifier = each.key

  weighted_routing_policy {
    weight = each.value.weight
  }

  alias {
    name                   = module.balancer[each.key].dns_name
    zone_id                = module.balancer[each.key].zone
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "track" {
  for_each = var.tracks

  zone_id = aws_route53_zone.main.zone_id
  name    = "${each.key}.${var.domain}"
  type    = "CNAME"
  ttl     = 60
  records = [module.balancer[each.key].dns_name]
}
