variable "a" { type = "string" }
variable "b" { type = "list" }
variable "c" { type = "whatever" }
output "o" { value = var.a }
