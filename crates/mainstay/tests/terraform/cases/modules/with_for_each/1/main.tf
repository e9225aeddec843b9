module "m" {
  for_each = { a = { size = 1 }, b = { size = 2 } }
  source   = "./m"
  name     = each.key
  size     = each.value.size
}
output "all" { value = { for k, m in module.m : k => m.text } }
output "one" { value = module.m["a"].text }
