resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = true
      error_message = "Never."
    }
  }
}
