output "dns_name" {
  value = aws_lb.main.dns_name
}

output "zone" {
  value = aws_lb.main.zone_id
}

# Alarms name a balancer and a target group by the last part of the ARN.
output "dimension" {
  value = aws_lb.main.arn_suffix
}

output "targets" {
  description = "Each service's target group, reachable: its listeners are there."
  value       = { for name, group in aws_lb_target_group.main : name => { arn = group.arn, dimension = group.arn_suffix } }
  depends_on  = [aws_lb_listener.visitors, aws_lb_listener.inside, aws_lb_listener_rule.path]
}

output "security_group" {
  value = aws_security_group.main.id
}
