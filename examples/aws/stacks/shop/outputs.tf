output "address" {
  value = "http://${one(distinct([for record in aws_route53_record.shop : record.name]))}"
}
