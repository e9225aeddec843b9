variable "v" {
  validation {
    condition     = var.v == "ok"
    error_message = "It is ${var.v}."
  }
}
