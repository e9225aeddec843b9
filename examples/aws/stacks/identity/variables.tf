variable "name" {
  type = string
}

variable "operators_may" {
  type = list(string)
}
