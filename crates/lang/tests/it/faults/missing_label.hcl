service {
  image = "shop/web"
}

service "a" "b" {
  image = "shop/web"
  port {
    container = 1
  }
  stop "x" {
  }
}
