service "web" {
  image =
  replicas = 
}
