resource "terraform_data" "a" {
  for_each = toset(["x", "y"])
  input    = "x"
}
moved {
  from = terraform_data.a
  to   = terraform_data.a["x"]
}
