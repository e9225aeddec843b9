resource "terraform_data" "a" {
  input = { a = null, b = [null, { c = 1 }], d = tomap({ k = "v" }), e = tolist(["x", null]) }
}
