variable "s" {
  sensitive = true
  default   = 1
}
output "o" { value = var.s }
module "m" {
  source = "./m"
  s      = var.s
}
