variable "v" {}
module "b" {
  source = "./b"
  count  = 2
  v      = "${var.v}a${count.index}"
}
output "v" { value = module.b[*].v }
