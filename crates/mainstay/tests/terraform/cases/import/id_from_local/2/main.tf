resource "terraform_data" "a" {
  input = terraform_data.b.id
}
resource "terraform_data" "b" {}
import {
  to = terraform_data.b
  id = "b-${local.suffix}"
}
locals {
  suffix = "x"
}
