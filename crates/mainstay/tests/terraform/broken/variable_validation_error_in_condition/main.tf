variable "a" {
  default = {}
  validation {
    condition     = var.a.missing == 1
    error_message = "Wrong."
  }
}
