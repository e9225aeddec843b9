variable "secret" {
  type      = string
  sensitive = true
  default   = "an0ther"
}
