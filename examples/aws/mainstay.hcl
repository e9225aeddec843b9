# A shop on AWS, in two accounts: the same stacks in both, with the environment's values. See README.md.
project {
  name = "shop-aws"
}

stack "identity" {
  name          = "shop-${environment.name}"
  operators_may = var.operators_may
}

stack "network" {
  name            = "shop-${environment.name}"
  settings        = var.network
  bastion_profile = stack.identity.bastion_profile
}

stack "shop" {
  name          = "shop-${environment.name}"
  domain        = var.domain
  network       = stack.network.network
  roles         = stack.identity.roles
  services      = var.services
  tracks        = var.tracks
  drain_seconds = var.drain_seconds
}

# Production is joined with the network of the stage, which may not exist yet when both are planned.
stack "peering" {
  providers = { aws = aws, aws.peer = aws.peer }

  name   = "shop-${environment.name}"
  joined = var.peer != null
  here   = stack.network.network
  peer   = environment.name == "prod" ? environment.stage.network : null
}

output "network" {
  value = stack.network.network
}

output "bastion" {
  value = stack.network.bastion
}

output "shop" {
  value = stack.shop.address
}
