resource "terraform_data" "a" { input = "x" }
resource "terraform_data" "many" {
  count = 2
  input = count.index
}
