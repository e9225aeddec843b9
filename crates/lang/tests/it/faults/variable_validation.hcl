variable "port" {
  type    = number
  default = 80

  validation {
    condition     = var.port > 1024
    error_message = "A port below 1024 needs root."
  }

  validation {
    condition = var.port
    error_message = "x"
  }

  validation {
    condition = true
  }
}
