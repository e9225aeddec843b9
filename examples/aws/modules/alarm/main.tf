# One metric with two levels: a warning that somebody reads in the morning, and what wakes somebody up.
resource "aws_cloudwatch_metric_alarm" "main" {
  for_each = var.levels

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${title(each.key)}: ${var.description} above ${each.value}"
  namespace           = var.metric.namespace
  metric_name         = var.metric.name
  dimensions          = var.metric.dimensions
  statistic           = var.metric.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value
  period              = 60
  evaluation_periods  = each.key == "critical" ? 2 : 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topics[each.key]]
  ok_actions          = [var.topics[each.key]]
}
