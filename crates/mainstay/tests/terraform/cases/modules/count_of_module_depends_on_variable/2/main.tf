variable "regions" {
  type    = set(string)
  default = ["ap", "eu", "us"]
}
module "region" {
  for_each = var.regions
  source   = "./region"
  region   = each.value
  peers    = setsubtract(var.regions, [each.value])
}
output "peers" { value = { for k, v in module.region : k => v.peers } }
