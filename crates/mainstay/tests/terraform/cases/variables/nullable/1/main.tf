variable "a" {
  type    = number
  default = 1
}
variable "b" {
  type     = string
  default  = null
  nullable = true
}
variable "c" {
  default = "c"
}
output "all" { value = [var.a, var.b, var.c] }
