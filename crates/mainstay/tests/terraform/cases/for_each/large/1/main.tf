resource "terraform_data" "a" {
  for_each = { for i in range(12) : format("n%03d", i) => i }
  input    = each.value
}
output "count" { value = length(terraform_data.a) }
