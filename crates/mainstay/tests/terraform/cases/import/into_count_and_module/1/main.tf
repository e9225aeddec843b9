import {
  to = module.m.terraform_data.a[1]
  id = "first-given"
}
module "m" {
  source = "./m"
}
