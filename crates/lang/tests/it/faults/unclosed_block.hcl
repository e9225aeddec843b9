service "web" {
  image = "shop/web"

  port "http" {
    container = 8080

}

service "worker" {
  image = "shop/worker"
}
