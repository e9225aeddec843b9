service "web" {
  image   = "shop/web"
  command = ["serve" "--port", "80"]
}
