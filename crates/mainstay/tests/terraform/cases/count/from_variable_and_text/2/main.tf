variable "n" {
  default = 3
}
resource "terraform_data" "a" {
  count = var.n > 2 ? 1 : 0
  input = "${count.index + 1} of ${var.n}"
}
