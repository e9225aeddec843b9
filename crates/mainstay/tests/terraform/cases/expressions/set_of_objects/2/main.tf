resource "terraform_data" "a" {
  input = toset([{ n = "c", v = 1 }, { n = "a", v = 2 }])
}
resource "terraform_data" "b" {
  input = setproduct(toset(["y", "x"]), toset([1, 2, 3]))
}
