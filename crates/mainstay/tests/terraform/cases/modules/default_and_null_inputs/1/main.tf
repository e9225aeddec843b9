module "defaults" {
  source = "./m"
}
module "nulls" {
  source       = "./m"
  nullable     = null
  not_nullable = null
}
module "values" {
  source       = "./m"
  nullable     = "n"
  not_nullable = "nn"
}
output "all" { value = [module.defaults.all, module.nulls.all, module.values.all] }
