variable "tags" { type = map(string) }
locals {
  sorted = [for k in sort(keys(var.tags)) : "${k}:${var.tags[k]}"]
}
output "result" { value = join(",", local.sorted) }
