module "m" {
  source = "./m"
  n      = 3
}
output "n" {
  value = module.m.n
  precondition {
    condition     = module.m.n > 0
    error_message = "Must be positive."
  }
}
