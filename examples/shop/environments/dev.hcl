environment "dev" {
  cluster "local" {
    listen = "127.0.0.1:8080"
  }
}
