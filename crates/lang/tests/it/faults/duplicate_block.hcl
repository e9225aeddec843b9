service "web" {
  image = "shop/web"
  health {
    http = "/a"
  }
  health {
    http = "/b"
  }
  port "http" {
    container = 80
  }
  port "http" {
    container = 81
  }
}
