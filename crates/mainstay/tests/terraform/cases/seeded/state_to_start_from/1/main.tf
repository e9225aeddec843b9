resource "terraform_data" "a" { input = "new" }
resource "terraform_data" "b" {
  count = 2
  input = count.index
}
