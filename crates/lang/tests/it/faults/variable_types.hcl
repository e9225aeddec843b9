variable "a" {
  type = strng
}

variable "b" {
  type = "string"
}

variable "c" {
  type = list
  default = "x"
}

variable "d" {
  type = object({ a = optinal(string) })
}

variable "e" {
  type = object({ a = string })
  default = {}
}

variable "f" {
  type    = number
  default = "many"
}

variable "g" {
  type     = string
  nullable = false
  default  = null
}

variable "h" {
  type = set
}

variable "i" {
  type = map(string, number)
}
