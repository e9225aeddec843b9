variable "number" {
  type    = number
  default = "12"
}
variable "bool" {
  type    = bool
  default = "true"
}
variable "string" {
  type    = string
  default = 12.50
}
variable "set" {
  type    = set(string)
  default = ["b", "a", "b", 1]
}
variable "map" {
  type    = map(any)
  default = { a = 1, b = "two" }
}
variable "tuple" {
  type    = tuple([string, number, bool])
  default = [1, "2", "false"]
}
variable "any" {
  default = { deep = [{ x = null }] }
}
variable "list_any" {
  type    = list(any)
  default = [1, "a", true]
}
output "all" { value = [var.number, var.bool, var.string, var.set, var.map, var.tuple, var.any, var.list_any] }
