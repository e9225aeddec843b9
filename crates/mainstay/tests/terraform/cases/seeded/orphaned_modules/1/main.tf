module "kept" {
  source = "./m"
}
