variable "v" { type = object({ a = number, b = list(string), c = optional(bool, true) }) }
output "a" { value = var.v.a }
output "c" { value = var.v.c }
output "all" { value = var.v }
