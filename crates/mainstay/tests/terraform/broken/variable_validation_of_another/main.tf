variable "a" {
  validation {
    condition     = var.b == 1
    error_message = "Wrong."
  }
}
variable "b" { default = 1 }
