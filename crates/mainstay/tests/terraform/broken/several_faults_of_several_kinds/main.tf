variable "a" { type = strng }
resource "terraform_data" "a" {
  inptu = var.b
  input = local.c
}
output "o" {
}
module "m" {
  source = "./nowhere"
}
