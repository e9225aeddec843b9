service "web" {
  image = "shop/web"
  port "http" {
    container = 80
    protocol  = "htpp"
  }
  stop {
    signal = "SIGTREM"
  }
}
