variable "n" { type = number }
variable "o" { type = object({ a = string }) }
