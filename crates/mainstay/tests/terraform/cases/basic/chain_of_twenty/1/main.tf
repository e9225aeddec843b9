locals {
  l0 = 1
  l1 = local.l0 + 1
  l2 = local.l1 * 2
  l3 = local.l2 + local.l1
  l4 = local.l3 * local.l2
  l5 = { v = local.l4 }
  l6 = [local.l5, local.l5]
  l7 = local.l6[*].v
  l8 = sum(local.l7)
  l9 = local.l8
}
resource "terraform_data" "c0" { input = local.l9 }
resource "terraform_data" "c1" { input = terraform_data.c0.output }
resource "terraform_data" "c2" { input = terraform_data.c1.output }
resource "terraform_data" "c3" { input = terraform_data.c2.output }
resource "terraform_data" "c4" { input = terraform_data.c3.output }
resource "terraform_data" "c5" { input = [terraform_data.c4.output, terraform_data.c0.id] }
output "last" { value = terraform_data.c5.output[0] }
