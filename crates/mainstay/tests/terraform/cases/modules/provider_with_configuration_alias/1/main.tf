terraform {
  required_providers {
    terraform = { source = "terraform.io/builtin/terraform" }
  }
}
provider "terraform" {
  alias = "left"
}
module "m" {
  source    = "./m"
  providers = { terraform.given = terraform.left }
}
