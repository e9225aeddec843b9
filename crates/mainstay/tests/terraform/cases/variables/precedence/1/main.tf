# From the weakest to the strongest: default, TF_VAR_, terraform.tfvars, *.auto.tfvars by name, -var-file and -var in their order.

variable "a" { default = "default" }
variable "b" { default = "default" }
variable "c" { default = "default" }
variable "d" { default = "default" }
variable "e" { default = "default" }
variable "f" { default = "default" }
output "all" { value = [var.a, var.b, var.c, var.d, var.e, var.f] }
