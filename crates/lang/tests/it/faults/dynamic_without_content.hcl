service "web" {
  image = "shop/web"
  dynamic "port" {
    for_each = { http = 80 }
    container = port.value
  }
}
