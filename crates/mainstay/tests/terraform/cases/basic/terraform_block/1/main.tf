terraform {
  required_version = ">= 1.5.0, < 2.0.0"
  required_providers {
    terraform = {
      source = "terraform.io/builtin/terraform"
    }
  }
}
resource "terraform_data" "a" { input = "x" }
