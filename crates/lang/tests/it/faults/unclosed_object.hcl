service "web" {
  image = "shop/web"
  env = {
    A = "1"
  replicas = 2
}

service "worker" {
  image = "shop/worker"
}
