variable "s" {
  default   = "hidden"
  sensitive = true
}
resource "terraform_data" "a" { input = { p = var.s, q = 1 } }
resource "terraform_data" "b" { input = "plain" }
