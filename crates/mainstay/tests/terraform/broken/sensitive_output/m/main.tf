variable "s" {}
output "inner" { value = var.s }
