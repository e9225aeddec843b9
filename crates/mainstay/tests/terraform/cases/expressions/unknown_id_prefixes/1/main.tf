resource "terraform_data" "u" {}
resource "terraform_data" "v" {
  count = length("x${terraform_data.u.id}") > 0 ? 1 : 1
  input = terraform_data.u.id == null
}
output "not_null" { value = terraform_data.u.id != null }
