variable "v" { type = number }
resource "terraform_data" "a" { input = var.v }
