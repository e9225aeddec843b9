variable "n" { type = number }
resource "terraform_data" "x" { input = var.n * 10 }
output "out" { value = terraform_data.x.output }
