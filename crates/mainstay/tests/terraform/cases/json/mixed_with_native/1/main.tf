module "m" {
  source = "./m"
  list   = ["a", "b"]
}
output "o" { value = module.m.joined }
