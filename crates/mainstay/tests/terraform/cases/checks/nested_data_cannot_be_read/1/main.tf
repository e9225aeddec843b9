check "remote" {
  data "terraform_remote_state" "r" {
    backend = "local"
    config  = { path = "nowhere.tfstate" }
  }
  assert {
    condition     = data.terraform_remote_state.r.outputs.name == "remote"
    error_message = "No."
  }
}
resource "terraform_data" "a" {}
