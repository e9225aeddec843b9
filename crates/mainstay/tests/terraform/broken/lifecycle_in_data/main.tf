data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "x" }
  lifecycle {
    prevent_destroy = true
  }
}
