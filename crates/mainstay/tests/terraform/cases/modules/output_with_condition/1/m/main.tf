variable "n" { type = number }
output "n" {
  value       = var.n
  description = "The number."
  precondition {
    condition     = var.n < 10
    error_message = "Must be under ten: ${var.n}."
  }
}
