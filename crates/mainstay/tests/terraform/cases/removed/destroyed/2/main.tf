resource "terraform_data" "b" { input = "b" }
removed {
  from = terraform_data.a
  lifecycle {
    destroy = true
  }
}
