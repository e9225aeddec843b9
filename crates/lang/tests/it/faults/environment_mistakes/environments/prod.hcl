environment "prod" {
  variables = {
    replicas = var.name
  }
}

environment "dev" {
}
