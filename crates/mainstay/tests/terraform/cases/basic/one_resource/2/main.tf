resource "terraform_data" "a" {
  input = "goodbye"
}
