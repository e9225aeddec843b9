variable "s" {
  default   = "short"
  sensitive = true
  validation {
    condition     = length(var.s) > 10
    error_message = "It is too short."
  }
}
