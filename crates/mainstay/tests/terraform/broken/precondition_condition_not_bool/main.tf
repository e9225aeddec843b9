variable "v" { default = "text" }
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = var.v
      error_message = "Never."
    }
  }
}
