variable "v" {
  type = string
  validation {
    condition     = length(var.v) > 10
    error_message = "Longer than ten, please: ${var.v}."
  }
}
resource "terraform_data" "x" { input = var.v }
