resource "terraform_data" "a" { input = "short" }
module "m" {
  source = "./m"
  v      = terraform_data.a.output
}
