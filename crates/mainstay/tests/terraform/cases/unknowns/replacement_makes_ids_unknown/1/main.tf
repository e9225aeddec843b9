resource "terraform_data" "a" {
  count            = 2
  triggers_replace = "t"
}
resource "terraform_data" "b" {
  count = 2
  input = { id = terraform_data.a[count.index].id, plain = count.index }
}
resource "terraform_data" "c" { triggers_replace = terraform_data.a[*].id }
