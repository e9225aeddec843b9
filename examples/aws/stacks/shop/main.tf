# The shop: its services in tracks beside each other, each track behind a load balancer of its own.
locals {
  cells = merge([for track, settings in var.tracks : {
    for service, needs in var.services : "${track}/${service}" => merge(needs, {
      track   = track
      service = service
      image   = "registry.shop.example/${service}:${settings.version}"
    })
  }]...)
}

resource "aws_ecs_cluster" "main" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

module "balancer" {
  source   = "../../modules/balancer"
  for_each = var.tracks

  name          = "${var.name}-${each.key}"
  network       = var.network
  services      = var.services
  drain_seconds = var.drain_seconds
}

module "service" {
  source   = "../../modules/service"
  for_each = local.cells

  name         = "${var.name}/${each.key}"
  cluster      = aws_ecs_cluster.main.arn
  image        = each.value.image
  port         = each.value.port
  cpu          = each.value.cpu
  memory       = each.value.memory
  replicas     = each.value.replicas
  network      = var.network
  roles        = var.roles
  balancer     = module.balancer[each.value.track].security_group
  target_group = module.balancer[each.value.track].targets[each.value.service].arn

  environment = {
    ASSETS = aws_s3_bucket.assets.bucket
    PORT   = each.value.port
    TRACK  = each.value.track
  }
}
