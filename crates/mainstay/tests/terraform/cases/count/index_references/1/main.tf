resource "terraform_data" "a" {
  count = 3
  input = "a${count.index}"
}
resource "terraform_data" "b" {
  count = 3
  input = terraform_data.a[count.index].output
}
resource "terraform_data" "c" {
  input = terraform_data.a[1].id != "" ? terraform_data.b.2.output : ""
}
