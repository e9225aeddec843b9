service "web" {
  image = "shop/web"
  port "http" {
    container = 80
  }
  health {
    http = "/"
    port = "htpp"
  }
  route {
    port = "admin"
  }
}
