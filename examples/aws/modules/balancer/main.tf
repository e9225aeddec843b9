# A load balancer: visitors come in on port 80 and are led by path; whoever is in the network reaches each service on its own port.
locals {
  by_path  = { for name, service in var.services : name => service if service.path != null }
  fallback = one([for name, service in var.services : name if service.path == null])
}

resource "aws_security_group" "main" {
  name        = var.name
  description = "Visitors of ${var.name}"
  vpc_id      = var.network.vpc

  tags = { Name = var.name }
}

resource "aws_vpc_security_group_ingress_rule" "visitors" {
  security_group_id = aws_security_group.main.id
  description       = "visitors"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "inside" {
  for_each = var.services

  security_group_id = aws_security_group.main.id
  description       = "${each.key}, from inside"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = var.network.cidr
}

resource "aws_vpc_security_group_egress_rule" "targets" {
  for_each = var.services

  security_group_id = aws_security_group.main.id
  description       = "to ${each.key}"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = var.network.cidr
}

resource "aws_lb" "main" {
  name               = var.name
  load_balancer_type = "application"
  subnets            = var.network.public_subnets
  security_groups    = [aws_security_group.main.id]
  idle_timeout       = 60
}

resource "aws_lb_target_group" "main" {
  for_each = var.services

  name                 = "${var.name}-${each.key}"
  vpc_id               = var.network.vpc
  target_type          = "ip"
  protocol             = "HTTP"
  port                 = each.value.port
  deregistration_delay = var.drain_seconds

  health_check {
    path                = "/healthz"
    matcher             = "200-299"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  target_group_health {
    dns_failover {
      minimum_healthy_targets_count = "1"
    }

    unhealthy_state_routing {
      minimum_healthy_targets_count = 1
    }
  }
}

resource "aws_lb_listener" "visitors" {
  load_balancer_arn = aws_lb.main.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.main[local.fallback].arn
  }
}

resource "aws_lb_listener_rule" "path" {
  for_each = local.by_path

  listener_arn = aws_lb_listener.visitors.arn
  priority     = 10 + index(keys(local.by_path), each.key)

  condition {
    path_pattern {
      values = [each.value.path]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.main[each.key].arn
  }
}

resource "aws_lb_listener" "inside" {
  for_each = var.services

  load_balancer_arn = aws_lb.main.arn
  protocol          = "HTTP"
  port              = each.value.port

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.main[each.key].arn
  }
}
