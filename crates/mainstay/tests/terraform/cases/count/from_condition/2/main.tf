variable "enabled" {
  type    = bool
  default = false
}
resource "terraform_data" "maybe" {
  count = var.enabled ? 1 : 0
  input = "on"
}
output "maybe" { value = try(terraform_data.maybe[0].output, "off") }
