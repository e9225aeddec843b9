resource "terraform_data" "a" {
  for_each = toset(["x", "y"])
  input    = each.key
  lifecycle {
    precondition {
      condition     = length(each.key) == 1
      error_message = "Too long: ${each.key}."
    }
    postcondition {
      condition     = self.output == each.value
      error_message = "Not the same."
    }
  }
}
