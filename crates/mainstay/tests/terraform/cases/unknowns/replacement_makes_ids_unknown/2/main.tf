resource "terraform_data" "a" {
  count            = 2
  triggers_replace = count.index == 0 ? "t" : "u"
}
resource "terraform_data" "b" {
  count = 2
  input = { id = terraform_data.a[count.index].id, plain = count.index }
}
resource "terraform_data" "c" { triggers_replace = terraform_data.a[*].id }
