service "web" {
  image = "shop/web"
  replicas = 1 + [2]
  env = {
    A = "a" + "b"
    B = !"x"
    C = 1 / 0
    D = null < 1
  }
}
