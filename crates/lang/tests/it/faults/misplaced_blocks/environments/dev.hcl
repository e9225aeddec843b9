service "web" {
  image = "a"
}

region = "eu"
