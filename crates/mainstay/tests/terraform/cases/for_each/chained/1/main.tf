resource "terraform_data" "a" {
  for_each = toset(["x", "y"])
  input    = each.key
}
resource "terraform_data" "b" {
  for_each = terraform_data.a
  input    = each.value.output
}
output "b" { value = values(terraform_data.b)[*].output }
