variable "required" {}
variable "also" { type = string }
