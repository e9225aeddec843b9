service "web" {
  image = "shop/web"
  env = {
    A = "%{ fi true }x%{ endif }"
    B = "%{ if true }x"
    C = "x%{ endfor }"
  }
}
