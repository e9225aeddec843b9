service "web" {
  replicas = 2
  port "http" {
  }
}

seed "data" {
  service = service.web
}
