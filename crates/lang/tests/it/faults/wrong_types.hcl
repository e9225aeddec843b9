service "web" {
  image = "shop/web"
  replicas = "two"
  env      = ["A=1"]
  command  = "serve"
  clusters = { a = 1 }
}
