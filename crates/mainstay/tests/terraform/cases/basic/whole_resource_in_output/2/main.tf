resource "terraform_data" "a" {
  input = { x = [1, 2, 3] }
}
output "a" {
  value = terraform_data.a
}
