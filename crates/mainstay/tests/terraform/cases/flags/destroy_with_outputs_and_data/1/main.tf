resource "terraform_data" "a" { input = data.terraform_remote_state.r.outputs.name }
resource "terraform_data" "b" {
  count = 2
  input = terraform_data.a.output
}
data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "a.tfstate" }
}
output "o" { value = terraform_data.b[*].output }
output "secret" {
  value     = terraform_data.a.output
  sensitive = true
}
