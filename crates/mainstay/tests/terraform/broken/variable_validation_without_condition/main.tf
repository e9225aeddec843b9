variable "a" {
  validation {
    error_message = "Wrong."
  }
}
