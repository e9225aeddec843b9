variable "tags" { type = map(string) }
locals {
  sorted = [for k in reverse(sort(keys(var.tags))) : "${k}:${var.tags[k]}"]
}
output "result" { value = join(";", local.sorted) }
