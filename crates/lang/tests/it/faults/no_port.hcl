service "web" {
  image = "shop/web"
  health {
    http = "/"
  }
  route {
    host = "shop.example.com"
  }
}
