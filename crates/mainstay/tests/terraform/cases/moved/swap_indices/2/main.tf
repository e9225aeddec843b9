resource "terraform_data" "a" {
  for_each = { z = 1, y = 2 }
  input    = each.value
}
moved {
  from = terraform_data.a["x"]
  to   = terraform_data.a["z"]
}
