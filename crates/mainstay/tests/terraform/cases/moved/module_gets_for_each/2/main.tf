module "m" {
  source   = "./m"
  for_each = toset(["one", "two"])
}
moved {
  from = module.m
  to   = module.m["one"]
}
