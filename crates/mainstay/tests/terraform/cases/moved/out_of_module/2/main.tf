module "m" {
  source = "./m"
}
resource "terraform_data" "a" { input = "x" }
moved {
  from = module.m.terraform_data.a
  to   = terraform_data.a
}
