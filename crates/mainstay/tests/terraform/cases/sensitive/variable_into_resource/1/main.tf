variable "secret" {
  type      = string
  sensitive = true
  default   = "s3cret"
}
resource "terraform_data" "a" { input = var.secret }
resource "terraform_data" "b" { input = { plain = 1, hidden = var.secret } }
resource "terraform_data" "c" { input = "prefix-${var.secret}" }
output "o" {
  value     = terraform_data.b.output
  sensitive = true
}
