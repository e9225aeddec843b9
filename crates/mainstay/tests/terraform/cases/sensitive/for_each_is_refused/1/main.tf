variable "s" {
  default   = ["a"]
  type      = set(string)
  sensitive = true
}
resource "terraform_data" "a" { for_each = var.s }
