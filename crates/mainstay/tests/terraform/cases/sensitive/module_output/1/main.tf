module "m" {
  source = "./m"
  secret = "s"
}
resource "terraform_data" "a" { input = { plain = module.m.plain, secret = module.m.secret } }
output "secret" {
  value     = module.m.secret
  sensitive = true
}
