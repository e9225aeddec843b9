resource "terraform_data" "a" {
  for_each = {
    one = { size = 1, extra = null }
    two = { size = "2" }
  }
  input = each.value
}
