service "web" {
  image = "shop/web"
  dynamic "prt" {
    for_each = {}
    content {
    }
  }
  dynamic "port" {
    for_each = 5
    content {
      container = port.value
    }
  }
  dynamic "route" {
    for_each = ["a"]
    host     = route.value
    content {
      hots = route.value
    }
  }
}
