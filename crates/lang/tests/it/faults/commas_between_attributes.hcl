service "web" {
  image = "shop/web",
  replicas = 2,
}
