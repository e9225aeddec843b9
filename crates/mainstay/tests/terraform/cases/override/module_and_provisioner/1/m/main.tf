variable "v" {}
resource "terraform_data" "m" { input = var.v }
