provider "terraform" {
  alias = "other"
}
resource "terraform_data" "a" {
  input = 1
}
resource "terraform_data" "b" {
  provider = terraform.other
  input    = 2
}
