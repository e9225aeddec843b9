project {
  name = "shop"
}

variable "memory" {
  type    = string
  default = "64Mi"
}

variable "ports" {
  type    = map(number)
  default = { http = 80 }
}

service "web" {
  image = "shop/web"
  resources {
    memory = var.memory
  }
  dynamic "port" {
    for_each = var.ports
    content {
      container = port.value
    }
  }
}
