service "web" {
  image = "shop\web"
  env   = { A = "\u12" }
}
