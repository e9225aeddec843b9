resource "terraform_data" "a" {
  input = null
}
resource "terraform_data" "b" {
}
