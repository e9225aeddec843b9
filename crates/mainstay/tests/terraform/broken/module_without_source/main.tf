module "m" {
  v = 1
}
