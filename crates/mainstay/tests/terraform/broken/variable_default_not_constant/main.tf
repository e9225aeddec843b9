variable "a" { default = local.x }
variable "b" { default = var.a }
locals { x = 1 }
