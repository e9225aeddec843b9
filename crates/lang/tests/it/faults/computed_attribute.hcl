service "web" {
  image = "shop/web"
  address = "localhost:80"
}
