resource "terraform_data" "first" {
  input = 1
}
resource "terraform_data" "second" {
  input      = 2
  depends_on = [terraform_data.first]
}
resource "terraform_data" "third" {
  depends_on = [terraform_data.second, terraform_data.first]
}
output "late" {
  value      = "after"
  depends_on = [terraform_data.third]
}
