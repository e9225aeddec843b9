variable "a" {default=1}
variable "b" {   default = 1   }
variable "c" {}
variable "d" { }
locals {a=1}
output "x" {value=1}
resource "terraform_data" "a" { lifecycle { create_before_destroy = true } }
terraform {}
