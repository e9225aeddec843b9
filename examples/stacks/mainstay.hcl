# Infrastructure as stacks: the same in every environment, with the environment's values. See docs/stacks.md.
project {
  name = "stacks"
}

variable "cidr" {
  type    = string
  default = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 1))
    error_message = "The network is written as 10.0.0.0/16."
  }
}

variable "servers" {
  type    = number
  default = 1
}

# The folder stacks/network: Terraform's files, with variables and outputs.
stack "network" {
  cidr = var.cidr
  # Production peers with the network of the stage, which may not exist yet when this is planned.
  peer = environment.name == "prod" ? environment.stage.network : null
}

stack "shop" {
  zones   = stack.network.zones
  servers = var.servers
}

output "network" {
  value = stack.network.id
}

output "servers" {
  value = stack.shop.names
}
