locals {
  base = { env = "dev", n = 2 }
  tags = merge(local.base, { extra = join("-", [for i in range(local.base.n) : "x${i}"]) })
}
module "m" {
  source = "./m"
  tags   = local.tags
}
locals {
  result = module.m.result
  final  = "${local.result}/${local.tags.extra}"
}
output "final" { value = local.final }
