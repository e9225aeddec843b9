module "m" {
  source    = "./m"
  providers = { nope = terraform.x }
}
