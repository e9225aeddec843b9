resource "terraform_data" "a" {
  input = toset([{ n = "b", v = 1 }, { n = "a", v = 2 }, { n = "b", v = 1 }])
}
resource "terraform_data" "b" {
  input = setproduct(["x", "y"], toset([2, 1]))
}
