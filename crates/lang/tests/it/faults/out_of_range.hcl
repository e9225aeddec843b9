service "web" {
  image = "shop/web"
  replicas = -1
  port "http" {
    container = 70000
  }
  health {
    tcp    = true
    passes = 1.5
  }
}
