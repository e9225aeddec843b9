variable "v" {}
resource "terraform_data" "leaf" {
  count = 2
  input = "${var.v}c${count.index}"
}
output "v" { value = terraform_data.leaf[*].output }
