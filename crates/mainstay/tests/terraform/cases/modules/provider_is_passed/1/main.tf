terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}
provider "terraform" {
  alias = "second"
}
module "m" {
  source    = "./m"
  providers = { terraform = terraform.second }
}
