# Only a warning; what fails is the reference.

module "m" {
  source = "./m"
}
output "o" { value = var.nope }
