environment "prod" {
  variables = {
    memory = "lots"
    ports  = { http = 0 }
  }
}
