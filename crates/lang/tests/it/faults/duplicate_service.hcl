service "web" {
  image = "a"
}

service "web" {
  image = "b"
}
