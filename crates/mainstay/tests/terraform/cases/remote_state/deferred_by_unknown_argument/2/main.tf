resource "terraform_data" "path" { input = "./remote.tfstate" }
data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = terraform_data.path.output }
}
resource "terraform_data" "a" { input = data.terraform_remote_state.r.outputs.name }
output "name" { value = data.terraform_remote_state.r.outputs.name }
