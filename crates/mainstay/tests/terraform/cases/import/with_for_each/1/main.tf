import {
  for_each = { one = "id-of-one", two = "id-of-two" }
  to       = terraform_data.a[each.key]
  id       = each.value
}
resource "terraform_data" "a" {
  for_each = toset(["one", "two", "three"])
  input    = each.key
}
