import {
  to = terraform_data.a["z"]
  id = "x"
}
resource "terraform_data" "a" { for_each = toset(["y"]) }
