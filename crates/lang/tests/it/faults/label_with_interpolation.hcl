service "web-${var.x}" {
  image = "shop/web"
}
