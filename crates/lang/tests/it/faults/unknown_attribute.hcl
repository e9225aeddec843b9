service "web" {
  image = "shop/web"
  replica  = 2
  memory   = "1Gi"
  whatever = 1
}
