variable "secret" { sensitive = true }
output "secret" {
  value     = var.secret
  sensitive = true
}
output "plain" { value = nonsensitive(var.secret) }
