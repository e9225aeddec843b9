variable "s" {
  sensitive = true
  default   = ["a"]
}
resource "terraform_data" "b" { for_each = toset(var.s) }
