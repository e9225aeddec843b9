data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "${path.module}/remote.tfstate" }
}
output "name" { value = data.terraform_remote_state.r.outputs.name }
