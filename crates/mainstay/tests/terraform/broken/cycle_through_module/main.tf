module "m" {
  source = "./m"
  v      = terraform_data.a.id
}
resource "terraform_data" "a" { input = module.m.out }
