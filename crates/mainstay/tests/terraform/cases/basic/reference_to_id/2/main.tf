resource "terraform_data" "a" {
  triggers_replace = "new"
}
resource "terraform_data" "b" {
  input = { parent = terraform_data.a.id }
}
output "same" {
  value = terraform_data.a.id == terraform_data.b.output.parent
}
