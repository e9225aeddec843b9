variable "n" {
  type    = number
  default = 5
}
resource "terraform_data" "a" {
  input = var.n
  lifecycle {
    precondition {
      condition     = var.n > 1
      error_message = "n has to be more than one."
    }
    postcondition {
      condition     = self.output == var.n
      error_message = "The output has to be n, not ${self.output}."
    }
  }
}
output "n" {
  value = terraform_data.a.output
  precondition {
    condition     = terraform_data.a.output < 100
    error_message = "Too large."
  }
}
