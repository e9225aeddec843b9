service "web" {
  image = "shop/web"
  port "http" { container = 8080, protocol = "http" }
  resources { cpu = 1 memory = "64Mi" }
}
