resource "terraform_data" "before" { input = "b" }
module "m" {
  source     = "./m"
  depends_on = [terraform_data.before]
}
resource "terraform_data" "after" {
  depends_on = [module.m]
  input      = module.m.out
}
