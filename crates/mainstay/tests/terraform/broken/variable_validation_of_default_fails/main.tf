variable "a" {
  default = "zz"
  validation {
    condition     = length(var.a) == 1
    error_message = "One letter."
  }
}
output "o" { value = var.a }
