resource "terraform_data" "first" { input = 1 }
module "m" {
  source     = "./m"
  depends_on = [terraform_data.first]
}
output "name" { value = module.m.name }
