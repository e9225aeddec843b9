resource "terraform_data" "a" {
  input = ["plain", sensitive("hidden"), "plain"]
}
resource "terraform_data" "b" {
  input = tomap({ a = "plain", b = sensitive("hidden") })
}
resource "terraform_data" "c" {
  input = toset(["plain", sensitive("hidden")])
}
