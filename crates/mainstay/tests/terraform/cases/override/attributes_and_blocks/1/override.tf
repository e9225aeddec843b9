variable "v" { default = "overridden" }
locals { l = "overridden" }
resource "terraform_data" "a" {
  input = "overridden"
}
output "o" { value = "overridden ${var.v} ${local.l}" }
