variable "text" { type = string }
variable "nested" { type = list(map(string)) }
output "o" { value = [var.text, var.nested] }
