variable "a" { type = set }
variable "b" { type = object }
