data "terraform_remote_state" "r" {
  backend = "local"
  config = {
    path = "${path.module}/other/terraform.tfstate"
  }
}
resource "terraform_data" "a" {
  input = data.terraform_remote_state.r.outputs.network.id
}
output "all" { value = data.terraform_remote_state.r.outputs }
