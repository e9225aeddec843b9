locals {
  ids = { a = "from-a-local" }
}
import {
  to = terraform_data.a
  id = local.ids["a"]
}
resource "terraform_data" "a" {}
