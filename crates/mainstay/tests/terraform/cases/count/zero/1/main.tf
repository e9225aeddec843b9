resource "terraform_data" "a" {
  count = 0
}
output "none" { value = terraform_data.a }
output "one" { value = one(terraform_data.a[*].id) }
