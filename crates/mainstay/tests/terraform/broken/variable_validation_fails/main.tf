variable "a" {
  validation {
    condition     = length(var.a) == 1
    error_message = "One letter."
  }
}
