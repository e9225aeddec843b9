resource "terraform_data" "first" {
  input = 10
}
resource "terraform_data" "second" {
  input      = 2
  depends_on = [terraform_data.first]
}
resource "terraform_data" "third" {
  depends_on = [terraform_data.second]
}
