image = "shop/web"

service "web" {
  image = "shop/web"
}
