resource "terraform_data" "a" {
  for_each = toset(["a b", "é"])
  input    = "${each.key}!"
}
