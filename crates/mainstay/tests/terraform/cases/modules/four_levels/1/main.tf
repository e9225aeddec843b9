module "a" {
  source = "./a"
  v      = "0"
}
output "v" { value = module.a.v }
