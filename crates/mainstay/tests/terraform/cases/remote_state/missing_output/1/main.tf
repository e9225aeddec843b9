data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "remote.tfstate" }
}
output "x" { value = data.terraform_remote_state.r.outputs.nope }
