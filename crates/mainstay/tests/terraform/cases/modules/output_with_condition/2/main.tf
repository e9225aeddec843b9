module "m" {
  source = "./m"
  n      = 30
}
output "n" { value = module.m.n }
