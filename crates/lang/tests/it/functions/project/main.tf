variable "s" { type = string }
variable "l" { type = list(string) }
variable "any" {}
variable "m" { type = map(string) }
variable "o" { type = object({ a = string, b = number }) }
variable "n" { type = number }
variable "secret" {
  type = string
  sensitive = true
}
