service "web" {
  image = "shop/web"
  prot "http" {
    container = 80
  }
  volumes {
  }
}
