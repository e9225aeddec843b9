variable "v" {
  type    = string
  default = "base"
}
locals { l = "base" }
resource "terraform_data" "a" {
  input            = "base"
  triggers_replace = "base"
  lifecycle {
    create_before_destroy = true
  }
}
output "o" {
  value       = "base ${var.v} ${local.l}"
  description = "kept"
}
