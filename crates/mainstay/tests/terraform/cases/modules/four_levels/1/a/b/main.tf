variable "v" {}
module "c" {
  source   = "./c"
  for_each = toset(["x", "y"])
  v        = "${var.v}b${each.key}"
}
output "v" { value = { for k, c in module.c : k => c.v } }
