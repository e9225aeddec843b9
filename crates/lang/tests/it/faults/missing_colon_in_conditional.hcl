service "web" {
  image    = "shop/web"
  replicas = true ? 1
}
