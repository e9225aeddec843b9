variable "e" {
  ephemeral = true
  default   = "x"
  validation {
    condition     = length(var.e) == 1
    error_message = "One letter."
  }
}
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = var.e == "x"
      error_message = "Has to be x."
    }
  }
}
