variable "v" { type = number }
resource "terraform_data" "r" { input = var.v }
output "v" { value = terraform_data.r.output }
