service "web" {
  image = "shop/web"
  replicas = 1
  replicas = 2
}
