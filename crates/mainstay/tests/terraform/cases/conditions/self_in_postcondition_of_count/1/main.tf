resource "terraform_data" "a" {
  count = 3
  input = count.index
  lifecycle {
    postcondition {
      condition     = self.output < 2
      error_message = "At ${count.index}."
    }
  }
}
