resource "terraform_data" "a" {
  for_each = {
    one = { size = 1 }
    two = { size = "2", extra = true }
  }
  input = each.value
}
