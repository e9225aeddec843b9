variable "token" {
  ephemeral = true
}
output "token" {
  value     = "t-${var.token}"
  ephemeral = true
}
output "known" { value = 1 }
