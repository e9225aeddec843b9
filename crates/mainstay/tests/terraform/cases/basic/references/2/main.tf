resource "terraform_data" "a" {
  input = "changed"
}
resource "terraform_data" "b" {
  input = terraform_data.a.output
}
resource "terraform_data" "c" {
  input = "${terraform_data.b.output}-${terraform_data.a.input}"
}
output "c" {
  value = terraform_data.c.output
}
