variable "list" { type = list(string) }
variable "object" { type = object({ a = number, b = list(bool) }) }
variable "any" { type = any }
variable "text" { type = string }
variable "map" { type = map(number) }
variable "number" { type = number }
resource "terraform_data" "a" {
  input = [var.list, var.object, var.any, var.text, var.map, var.number]
}
