variable "n" { type = number }
variable "l" { type = list(string) }
