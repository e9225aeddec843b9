environment "dev" {
  variables = {
    replicas = "many"
    replcas  = 2
    name     = "root"
  }
  protect = true
  cluster "local" {
    driver = "kubernetes"
    listen = "8080"
  }
  cluster "local" {
  }
}
