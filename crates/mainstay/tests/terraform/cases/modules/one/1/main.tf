module "m" {
  source = "./m"
  name   = "x"
}
output "name" { value = module.m.name }
