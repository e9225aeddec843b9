service "web" {
  image = "shop/web"
  env = {
    A = "1"
    B = ["x"]
  }
  command = ["serve", { a = 1 }]
}
