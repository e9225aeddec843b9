# Who is told of what, at which level.
resource "aws_sns_topic" "alarms" {
  for_each = toset(["warning", "critical"])

  name = "${var.name}-${each.key}"
}

locals {
  topics = { for level, topic in aws_sns_topic.alarms : level => topic.arn }
}

module "errors" {
  source   = "../../modules/alarm"
  for_each = local.cells

  name        = "${var.name}-${each.value.track}-${each.value.service}-errors"
  description = "errors of ${each.value.service} a minute"
  levels      = var.errors_per_minute
  topics      = local.topics

  metric = {
    namespace = "AWS/ApplicationELB"
    name      = "HTTPCode_Target_5XX_Count"
    statistic = "Sum"
    dimensions = {
      LoadBalancer = module.balancer[each.value.track].dimension
      TargetGroup  = module.balancer[each.value.track].targets[each.value.service].dimension
    }
  }
}

module "latency" {
  source   = "../../modules/alarm"
  for_each = var.tracks

  name        = "${var.name}-${each.key}-latency"
  description = "mean time of an answer in seconds"
  levels      = var.latency_seconds
  topics      = local.topics

  metric = {
    namespace  = "AWS/ApplicationELB"
    name       = "TargetResponseTime"
    statistic  = "Average"
    dimensions = { LoadBalancer = module.balancer[each.key].dimension }
  }
}
