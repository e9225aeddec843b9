variable "a" { type = strng }
variable "b" { type = list(text) }
variable "c" { type = object({ a = optional }) }
