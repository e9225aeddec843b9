variable "min" { default = 2 }
variable "max" {
  type    = number
  default = 5
  validation {
    condition     = var.max >= var.min
    error_message = "max (${var.max}) has to be at least min (${var.min})."
  }
}
