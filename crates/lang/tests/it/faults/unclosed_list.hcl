service "web" {
  image   = "shop/web"
  command = ["serve", "--port", "80"
  env = {
    A = "1"
  }
}
