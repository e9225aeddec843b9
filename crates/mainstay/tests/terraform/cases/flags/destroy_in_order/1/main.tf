resource "terraform_data" "a" {}
resource "terraform_data" "b" { input = terraform_data.a.id }
module "m" {
  source = "./m"
  v      = terraform_data.b.id
}
resource "terraform_data" "c" { depends_on = [module.m] }
