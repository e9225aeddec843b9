module "m" {
  source = "./m"
  config = { name = 5, tags = { a = 1, b = true }, ports = [], extra = null }
}
output "config" { value = module.m.config }
output "whole_module" { value = module.m }
