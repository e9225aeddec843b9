import {
  to = terraform_data.a
  id = "given-id"
}
resource "terraform_data" "a" {
  input = "y"
}
