module "a" {
  source = "./m"
  v      = 1
}
module "b" {
  source = "./m"
  v      = module.a.v + 1
}
output "b" { value = module.b.v }
