resource "terraform_data" "a" {
  count = 2
  input = count.index
}
output "all" { value = terraform_data.a[*].output }
