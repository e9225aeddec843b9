variable "prefix" { type = string }
module "inner" {
  source = "../inner"
  name   = "${var.prefix}-inner"
}
resource "terraform_data" "beside" { input = module.inner.id_known }
output "deep" { value = module.inner.name }
