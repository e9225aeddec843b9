# What a resource with create_before_destroy depends on is created first as well.

variable "v" { default = 1 }
resource "terraform_data" "base" { triggers_replace = var.v }
resource "terraform_data" "middle" { triggers_replace = terraform_data.base.id }
resource "terraform_data" "top" {
  triggers_replace = terraform_data.middle.id
  lifecycle { create_before_destroy = true }
}
