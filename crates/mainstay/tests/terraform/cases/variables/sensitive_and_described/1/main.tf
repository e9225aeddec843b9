variable "a" {
  type        = string
  description = "What it is for."
  sensitive   = true
  default     = "hidden"
}
variable "unused" {
  description = "Used nowhere."
  type        = list(object({ x = optional(number, 1) }))
  default     = [{}]
}
output "a" {
  value       = "${var.a}!"
  sensitive   = true
  description = "It goes out."
}
