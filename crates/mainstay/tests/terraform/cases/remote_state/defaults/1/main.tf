data "terraform_remote_state" "r" {
  backend   = "local"
  config    = { path = "remote.tfstate" }
  defaults  = { name = "default", size = 3 }
  workspace = "default"
}
output "name" { value = data.terraform_remote_state.r.outputs.name }
output "size" { value = data.terraform_remote_state.r.outputs.size }
output "whole" { value = data.terraform_remote_state.r }
