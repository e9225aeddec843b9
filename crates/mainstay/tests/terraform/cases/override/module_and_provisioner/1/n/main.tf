variable "v" {}
resource "terraform_data" "n" { input = var.v }
