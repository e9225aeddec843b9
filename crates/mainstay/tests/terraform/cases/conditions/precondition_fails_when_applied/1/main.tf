resource "terraform_data" "a" { input = "a" }
resource "terraform_data" "b" {
  lifecycle {
    precondition {
      condition     = terraform_data.a.output == "b"
      error_message = "It is ${terraform_data.a.output}."
    }
  }
}
