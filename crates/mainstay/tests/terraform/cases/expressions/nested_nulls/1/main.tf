resource "terraform_data" "a" {
  input = { a = null, b = [null, { c = null }], d = tomap({ k = null }), e = tolist([null, "x"]) }
}
