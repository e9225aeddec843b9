service "web" {
  image = "shop/web
  replicas = 
  command = ["a" "b"]
}

service "worker" {
  image: "shop/worker"
  port http {
    container = 80;
  }
}
