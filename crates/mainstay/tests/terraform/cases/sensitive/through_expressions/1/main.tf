variable "s" {
  default   = { user = "ada", tags = ["x", "y"], n = 4 }
  sensitive = true
}
output "all" {
  sensitive = true
  value = {
    template    = "u=${var.s.user}"
    list        = [for t in var.s.tags : upper(t)]
    conditional = var.s.n > 3 ? "big" : "small"
    length      = length(var.s.tags)
    map         = { for t in var.s.tags : t => 1 }
    arithmetic  = var.s.n * 2
    merged      = merge({ a = 1 }, var.s)
  }
}
output "lifted" { value = nonsensitive(var.s.n) }
output "is" { value = [issensitive(var.s), issensitive("x"), issensitive(var.s.user)] }
