environment "prod" {
  variables = {
    cidr    = "10.2.0.0/16"
    servers = 3
  }
}
