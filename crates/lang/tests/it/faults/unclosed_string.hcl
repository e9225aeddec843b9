service "web" {
  image    = "shop/web
  replicas = "two"
}
