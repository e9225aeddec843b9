variable "a" { type = map(number) }
variable "b" { type = any }
output "o" { value = { a = var.a, b = var.b } }
