data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "a.tfstate" }
}
output "outputs" { value = data.terraform_remote_state.r.outputs }
output "config" { value = data.terraform_remote_state.r.config }
output "unset" { value = [data.terraform_remote_state.r.defaults, data.terraform_remote_state.r.workspace] }
