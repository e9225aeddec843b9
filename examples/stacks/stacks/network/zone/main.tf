variable "network" {
  type = string
}

variable "cidr" {
  type = string
}

resource "terraform_data" "zone" {
  input            = var.cidr
  triggers_replace = [var.network]
}

output "id" {
  value = terraform_data.zone.id
}
