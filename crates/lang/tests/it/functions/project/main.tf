variable "s" { type = string }
variable "l" { type = list(string) }
variable "any" {}
variable "m" { type = map(string) }
variable "o" { type = object({ a = string, b = number }) }
variable "n" { type = number }
variable "b" { type = bool }
variable "st" { type = set(string) }
variable "secret" {
  type = string
  sensitive = true
}
