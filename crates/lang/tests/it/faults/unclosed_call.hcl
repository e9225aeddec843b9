service "web" {
  image = upper("shop/web"
  replicas = 2
}
