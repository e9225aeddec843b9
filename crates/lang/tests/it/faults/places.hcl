variable "a" {
  default = "a"
}

variable "b" {
  default = var.a
}

locals {
  c = cluster.name
}

image "shop/web" {
  env = { A = service.web.address }
}

service "web" {
  image = "shop/web"
}
