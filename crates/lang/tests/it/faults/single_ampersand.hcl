service "web" {
  image    = "shop/web"
  replicas = true & false ? 1 : 2
}
