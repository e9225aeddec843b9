variable "region" {
  default = "eu"
}

locals {
  host = "shop.example.com"
}

service "web" {
  image = "shop/web"
  env = {
    A = var.regoin
    B = local.hosts
    C = service.cahce.address
    D = var.other
  }
}

service "cache" {
  image = "cache"
}
