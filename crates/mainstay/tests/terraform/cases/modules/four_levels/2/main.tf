module "a" {
  source = "./a"
  v      = "1"
}
