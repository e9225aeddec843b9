variable "required" { type = string }
variable "also_required" {}
output "o" { value = var.required }
