service "web" {
  image = "shop/web"
  clusters = ["local", "locl"]
}
