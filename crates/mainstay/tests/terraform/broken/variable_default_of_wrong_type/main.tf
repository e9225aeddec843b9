variable "a" {
  type    = number
  default = "many"
}
variable "b" {
  type    = list(string)
  default = "one"
}
variable "c" {
  type    = object({ a = string })
  default = {}
}
