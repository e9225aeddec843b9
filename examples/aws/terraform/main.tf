# The same stacks as a plain Terraform configuration: a workspace for each environment, with its values in NAME.tfvars.
locals {
  name = "shop-${terraform.workspace}"
}

module "identity" {
  source = "../stacks/identity"

  name          = local.name
  operators_may = var.operators_may
}

module "network" {
  source = "../stacks/network"

  name            = local.name
  settings        = var.network
  bastion_profile = module.identity.bastion_profile
}

module "shop" {
  source = "../stacks/shop"

  name          = local.name
  domain        = var.domain
  network       = module.network.network
  roles         = module.identity.roles
  services      = var.services
  tracks        = var.tracks
  drain_seconds = var.drain_seconds
}

# What the other environment's last apply answered.
data "terraform_remote_state" "peer" {
  count = var.peer == null ? 0 : 1

  backend   = "local"
  workspace = var.peer.environment
  config    = { path = "terraform.tfstate" }
}

module "peering" {
  source    = "../stacks/peering"
  providers = { aws = aws, aws.peer = aws.peer }

  name   = local.name
  joined = var.peer != null
  here   = module.network.network
  peer   = one(data.terraform_remote_state.peer[*].outputs.network)
}

output "network" {
  value = module.network.network
}

output "bastion" {
  value = module.network.bastion
}

output "shop" {
  value = module.shop.address
}
