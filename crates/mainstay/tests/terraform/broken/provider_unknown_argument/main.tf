provider "terraform" {
  region = "eu"
}
resource "terraform_data" "a" {}
