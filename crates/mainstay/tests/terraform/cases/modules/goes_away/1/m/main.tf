resource "terraform_data" "x" { input = 1 }
module "n" {
  source = "./n"
}
