variable "a" { type = list(string, number) }
variable "b" { type = map() }
variable "c" { type = object([string]) }
variable "d" { type = tuple(string) }
