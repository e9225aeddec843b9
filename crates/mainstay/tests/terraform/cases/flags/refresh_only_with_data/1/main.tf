data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "a.tfstate" }
}
output "name" { value = data.terraform_remote_state.r.outputs.name }
