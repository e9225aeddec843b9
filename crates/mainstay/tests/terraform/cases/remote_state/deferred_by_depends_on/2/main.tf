resource "terraform_data" "first" { input = 2 }
data "terraform_remote_state" "r" {
  backend    = "local"
  config     = { path = "remote.tfstate" }
  depends_on = [terraform_data.first]
}
output "name" { value = data.terraform_remote_state.r.outputs.name }
