module "m" {
  source = "./m"
  nested {
    a = 1
  }
}
