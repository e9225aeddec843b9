resource "terraform_data" "a" {
  for_each = toset(["c", "a"])
  input    = upper(each.key)
}
output "keys" { value = keys(terraform_data.a) }
