terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}
terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}
