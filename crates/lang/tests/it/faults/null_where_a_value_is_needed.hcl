service "web" {
  image = "shop/web"
  port "http" {
    container = null
  }
}
