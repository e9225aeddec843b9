service "web" {
  image = "shop/web"
  env   = { A = "1" B = "2" }
}
