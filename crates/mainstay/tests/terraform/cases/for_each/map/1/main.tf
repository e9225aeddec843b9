resource "terraform_data" "a" {
  for_each = { x = 1, y = 2 }
  input    = "${each.key}=${each.value}"
}
output "all" { value = { for k, r in terraform_data.a : k => r.output } }
