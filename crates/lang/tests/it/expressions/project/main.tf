# What the expressions may name. A variable without a default is unknown.
variable "text" {
  type    = string
  default = "hello"
}
variable "number" {
  type    = number
  default = 5
}
variable "numbers" {
  type    = list(number)
  default = [1, 2, 3]
}
variable "names" {
  type    = set(string)
  default = ["b", "a"]
}
variable "ports" {
  type    = map(number)
  default = { http = 80, admin = 81 }
}
variable "objects" {
  type    = list(object({ a = number, b = list(string) }))
  default = [{ a = 1, b = ["x", "y"] }, { a = 2, b = [] }]
}
variable "tuple" {
  default = [1, "a", true]
}
variable "nested" {
  default = { list = [{ k = "v" }, { k = "w" }], deep = { er = { est = 1 } } }
}
variable "nothing" {
  type    = string
  default = null
}
variable "no_list" {
  type    = list(string)
  default = null
}
variable "no_object" {
  type    = object({ a = string })
  default = null
}
variable "secret" {
  type      = string
  sensitive = true
  default   = "s3cret"
}
variable "secrets" {
  type      = list(string)
  sensitive = true
  default   = ["one", "two"]
}
variable "secret_object" {
  type      = object({ a = number })
  sensitive = true
  default   = { a = 1 }
}
variable "u_string" {
  type = string
}
variable "u_number" {
  type = number
}
variable "u_bool" {
  type = bool
}
variable "u_list" {
  type = list(number)
}
variable "u_set" {
  type = set(string)
}
variable "u_map" {
  type = map(string)
}
variable "u_object" {
  type = object({ a = string, b = number })
}
variable "u_tuple" {
  type = tuple([string, number])
}
variable "u_any" {}
variable "u_secret" {
  type      = string
  sensitive = true
}
