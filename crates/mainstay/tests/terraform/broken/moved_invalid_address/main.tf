moved {
  from = "terraform_data.a"
  to   = var.b
}
