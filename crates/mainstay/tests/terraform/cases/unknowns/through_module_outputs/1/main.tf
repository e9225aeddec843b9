resource "terraform_data" "u" { input = { a = 1, b = ["x"] } }
module "m" {
  source = "./m"
  v      = terraform_data.u.output
}
output "m" { value = module.m }
