locals {
  l9 = "other"
}
resource "terraform_data" "c0" { input = local.l9 }
resource "terraform_data" "c1" { input = terraform_data.c0.output }
resource "terraform_data" "c2" { input = terraform_data.c1.output }
resource "terraform_data" "c3" { input = terraform_data.c2.output }
resource "terraform_data" "c4" { input = terraform_data.c3.output }
resource "terraform_data" "c5" { input = [terraform_data.c4.output, terraform_data.c0.id] }
output "last" { value = terraform_data.c5.output[0] }
