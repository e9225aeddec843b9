resource "terraform_data" "a" {
  input = "a"
  lifecycle {
    postcondition {
      condition     = self.output == "b"
      error_message = "Got ${self.output}."
    }
  }
}
resource "terraform_data" "never" { input = terraform_data.a.output }
