variable "e" {
  ephemeral = true
  default   = "x"
}
output "o" { value = "v ${var.e}" }
