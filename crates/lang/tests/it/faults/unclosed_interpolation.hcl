variable "tag" {
  default = "1"
}

service "web" {
  image    = "shop/web:${var.tag"
  replicas = 2
}
