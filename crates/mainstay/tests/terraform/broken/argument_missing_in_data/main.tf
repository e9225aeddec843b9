data "terraform_remote_state" "r" {
  config = { path = "x" }
}
