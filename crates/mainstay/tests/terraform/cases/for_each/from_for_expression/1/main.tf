locals {
  users = [
    { name = "ada", admin = true },
    { name = "bob", admin = false },
    { name = "cy", admin = true },
  ]
}
resource "terraform_data" "admin" {
  for_each = { for u in local.users : u.name => u if u.admin }
  input    = each.value.name
}
