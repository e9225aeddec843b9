module "m" {
  count  = 0
  source = "./m"
}
output "none" { value = module.m }
