service "web" {
  image   = "shop/web"
  program = ["./web"]
}
