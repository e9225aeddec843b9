variable "n" {
  type    = number
  default = 6
}
