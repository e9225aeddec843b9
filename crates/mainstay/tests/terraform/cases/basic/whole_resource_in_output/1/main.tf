resource "terraform_data" "a" {
  input = { x = [1, 2] }
}
output "a" {
  value = terraform_data.a
}
