service "web" {
  image = "shop/web"
  env = {
    A = var
    B = path
    C = environment
    D = terraform.env
    E = path.here
  }
}
