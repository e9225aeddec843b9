resource "terraform_data" "a" {
  count = 1
  input = "item ${count.index}"
}
output "all" { value = terraform_data.a[*].output }
