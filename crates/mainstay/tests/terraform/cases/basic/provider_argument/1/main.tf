provider "terraform" {
  alias = "other"
}
resource "terraform_data" "a" {
  provider = terraform.other
  input    = 1
}
resource "terraform_data" "b" {
  input = 2
}
