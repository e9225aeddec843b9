resource "terraform_data" "a" {
  input = ["plain", "hidden", sensitive("plain")]
}
resource "terraform_data" "b" {
  input = tomap({ a = sensitive("plain"), b = sensitive("changed") })
}
resource "terraform_data" "c" {
  input = ["plain", sensitive("hidden")]
}
