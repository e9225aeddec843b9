service "web" {
  image = "shop/web"
  port = { http = 80 }
  health = "/healthz"
}
