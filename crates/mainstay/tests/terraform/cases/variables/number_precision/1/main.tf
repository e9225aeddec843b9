variable "n" { type = number }
output "n" { value = var.n }
output "more" { value = var.n + 1 }
output "text" { value = var.n }
