resource "terraform_data" "a" {
  for_each = {}
}
resource "terraform_data" "b" {
  for_each = toset([])
}
output "a" { value = terraform_data.a }
output "b" { value = length(terraform_data.b) }
