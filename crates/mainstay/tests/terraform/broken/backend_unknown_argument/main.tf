terraform {
  backend "local" {
    file = "x"
  }
}
