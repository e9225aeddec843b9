resource "terraform_data" "other" { input = 1 }
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = terraform_data.other.input > 2
      error_message = "One is not more than two."
    }
  }
}
