variable "tag" {
  default = "1"
}

service "web" {
  image = "shop/web:${var.tag
}

service "worker" {
  image   = "shop/worker"
  replica = 2
}
