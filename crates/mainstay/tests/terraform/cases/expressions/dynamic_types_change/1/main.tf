variable "v" { type = any }
resource "terraform_data" "a" { input = var.v }
