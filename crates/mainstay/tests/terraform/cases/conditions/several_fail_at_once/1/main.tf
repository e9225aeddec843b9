locals { no = false }
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = local.no
      error_message = "First."
    }
    precondition {
      condition     = local.no
      error_message = "Second."
    }
  }
}
