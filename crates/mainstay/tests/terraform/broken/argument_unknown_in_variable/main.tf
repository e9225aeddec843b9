variable "v" {
  typ = string
}
