resource "terraform_data" "a" {
  for_each = toset(["a b", "a\"quote", "a.b[0]", "$${x}", "é", "back\\slash", "line\nbreak"])
  input    = each.key
}
