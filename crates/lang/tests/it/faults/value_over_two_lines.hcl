service "web" {
  image    = "shop/web"
  replicas = 1 +
    2
}
