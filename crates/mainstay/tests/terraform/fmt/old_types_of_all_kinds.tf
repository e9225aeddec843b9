variable "a" { type = list }
variable "b" { type = map }
variable "c" { type = set } // c
variable "d" { type = "set" }
variable "e" { type = "bool" }
variable "f" { type = "number" }
variable "g" { type = "str\u0069ng" }
variable "h" { type = (list) }
variable "i" { type = list(map) }
variable "j" { type = /* a */ list /* b */ }
variable "k" { type = "list" /* b */ }
variable "l" "m" { type = tuple }
variable "n" {
  type = "map" # n
  default = {} # n
  x { type = "list" }
}
locals { type = list }
output "type" { type = "string" }
x {
  variable "y" { type = map }
}
