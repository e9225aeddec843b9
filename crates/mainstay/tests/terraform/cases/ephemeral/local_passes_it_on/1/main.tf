variable "e" {
  ephemeral = true
  default   = "x"
}
locals { both = { plain = 1, hidden = var.e } }
output "plain" { value = local.both.plain }
