resource "terraform_data" "a" {}
resource "terraform_data" "many" {
  for_each = toset(["k"])
}
