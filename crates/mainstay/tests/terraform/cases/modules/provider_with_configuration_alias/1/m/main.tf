terraform {
  required_providers {
    terraform = {
      source                = "terraform.io/builtin/terraform"
      configuration_aliases = [terraform.given]
    }
  }
}
resource "terraform_data" "x" {
  provider = terraform.given
  input    = 1
}
