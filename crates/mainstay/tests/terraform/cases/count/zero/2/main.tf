resource "terraform_data" "a" {
  count = 1
}
output "none" { value = length(terraform_data.a) }
output "one" { value = one(terraform_data.a[*].input) }
