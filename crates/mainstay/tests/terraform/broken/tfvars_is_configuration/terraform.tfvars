variable "b" {
  default = 2
}
