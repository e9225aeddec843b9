variable "e" {}
output "o" { value = var.e }
