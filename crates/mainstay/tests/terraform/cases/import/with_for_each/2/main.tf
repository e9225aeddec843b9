resource "terraform_data" "a" {
  for_each = toset(["one", "three"])
  input    = each.key
}
