service "web" {
  image = "shop/web"
  port "http" {
    container = 80
  }
  health {
    http     = "healthz"
    interval = "5"
    timeout  = "2 seconds"
  }
  resources {
    cpu    = 0
    memory = "256MB"
  }
}
