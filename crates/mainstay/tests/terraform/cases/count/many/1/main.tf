resource "terraform_data" "a" {
  count = 30
  input = count.index % 10
}
output "sum" { value = sum(terraform_data.a[*].output) }
