variable "v" { default = 1 }
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = var.v == 2
      error_message = "It has to be two, not ${var.v}."
    }
  }
}
output "o" {
  value = 1
  precondition {
    condition     = var.v == 3
    error_message = "It has to be three."
  }
}
