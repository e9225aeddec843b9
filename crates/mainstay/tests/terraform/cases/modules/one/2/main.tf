module "m" {
  source = "./m"
  name   = "y"
}
output "name" { value = module.m.name }
