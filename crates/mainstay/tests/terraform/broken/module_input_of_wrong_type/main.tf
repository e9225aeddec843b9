module "m" {
  source = "./m"
  n      = "many"
  o      = { a = [] }
}
