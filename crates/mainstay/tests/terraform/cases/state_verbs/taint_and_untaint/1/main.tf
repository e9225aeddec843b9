resource "terraform_data" "a" { input = "a" }
resource "terraform_data" "many" {
  count = 2
}
