resource "terraform_data" "a" {}
data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "x" }
}
