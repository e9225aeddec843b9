variable "d" { default = false }
removed {
  from = terraform_data.a
  lifecycle {
    destroy = var.d
  }
}
