variable "e" {
  ephemeral = true
  default   = 1
}
resource "terraform_data" "a" { count = var.e }
resource "terraform_data" "b" { for_each = toset([tostring(var.e)]) }
