resource "terraform_data" "a" { input = "one" }
check "remote" {
  data "terraform_remote_state" "r" {
    backend = "local"
    config  = { path = "remote.tfstate" }
  }
  assert {
    condition     = data.terraform_remote_state.r.outputs.name == "other"
    error_message = "It says ${data.terraform_remote_state.r.outputs.name}."
  }
}
