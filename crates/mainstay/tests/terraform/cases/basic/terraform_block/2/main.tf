terraform {
  required_version = "~> 1.11"
}
provider "terraform" {}
resource "terraform_data" "a" { input = "y" }
