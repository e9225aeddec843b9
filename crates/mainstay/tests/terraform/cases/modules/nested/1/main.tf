module "outer" {
  source = "./outer"
  prefix = "p"
}
output "deep" { value = module.outer.deep }
