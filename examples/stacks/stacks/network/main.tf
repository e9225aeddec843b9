variable "cidr" {
  type = string
}

variable "peer" {
  type    = string
  default = null
}

resource "terraform_data" "network" {
  input = {
    cidr = var.cidr
    peer = var.peer
  }
}

module "zone" {
  source   = "./zone"
  for_each = { a = 1, b = 2 }

  network = terraform_data.network.id
  cidr    = cidrsubnet(var.cidr, 8, each.value)
}

output "id" {
  value = terraform_data.network.id
}

output "zones" {
  value = { for name, zone in module.zone : name => zone.id }
}
