variable "zones" {
  type = map(string)
}

variable "servers" {
  type = number
}

locals {
  zones = sort(keys(var.zones))
}

resource "terraform_data" "server" {
  count = var.servers
  input = {
    name = format("web-%02d", count.index + 1)
    zone = var.zones[local.zones[count.index % length(local.zones)]]
  }

  lifecycle {
    precondition {
      condition     = var.servers <= 20
      error_message = "More than 20 servers need another network."
    }
  }
}

output "names" {
  value = terraform_data.server[*].output.name
}
