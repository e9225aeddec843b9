variable "token" {
  type      = string
  ephemeral = true
  default   = "tok"
}
module "m" {
  source = "./m"
  token  = var.token
}
output "length" { value = module.m.known }
