service "web" {
  image = 
}
