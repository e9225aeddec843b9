module "m" {
  source = "./m"
  config = { name = "x", tags = { a = "1" }, ports = [80, "443"] }
}
output "config" { value = module.m.config }
output "whole_module" { value = module.m }
