module "b" {
  source = "./m"
  v      = 7
}
output "b" { value = module.b.v }
