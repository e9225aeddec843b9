resource "terraform_data" "a" {
  for_each = { y = 20, z = 3 }
  input    = "${each.key}=${each.value}"
}
output "all" { value = { for k, r in terraform_data.a : k => r.output } }
