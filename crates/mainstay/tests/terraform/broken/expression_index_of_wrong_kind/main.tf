locals {
  l = ["a"]
  o = { a = 1 }
  s = toset(["a"])
}
output "a" { value = local.l["x"] }
output "b" { value = local.l[1] }
output "c" { value = local.o.b }
output "d" { value = local.s[0] }
output "e" { value = local.o["a"]["b"] }
