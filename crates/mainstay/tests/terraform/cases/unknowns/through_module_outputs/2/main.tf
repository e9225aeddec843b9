resource "terraform_data" "u" { input = { a = 2, b = ["x", "y"] } }
module "m" {
  source = "./m"
  v      = terraform_data.u.output
}
output "m" { value = module.m }
