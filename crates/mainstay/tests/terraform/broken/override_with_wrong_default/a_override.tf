variable "a" {
  default = "many"
}
