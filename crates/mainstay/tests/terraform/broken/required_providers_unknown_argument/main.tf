terraform {
  required_providers {
    terraform = {
      source = "terraform.io/builtin/terraform"
      region = "eu"
    }
  }
}
