service "web" {
  image      = "shop/web"
  depends_on = ["cache", service.cahce]
}

service "cache" {
  image      = "cache"
  depends_on = service.web
}
