variable "name" { type = string }
variable "size" { type = number }
resource "terraform_data" "x" {
  count = var.size
  input = "${var.name}${count.index}"
}
output "text" { value = join(",", terraform_data.x[*].output) }
