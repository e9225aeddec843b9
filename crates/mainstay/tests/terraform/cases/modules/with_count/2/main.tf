module "m" {
  count  = 3
  source = "./m"
  n      = count.index + 1
}
output "all" { value = module.m[*].out }
