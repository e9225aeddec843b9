# The smallest configuration there is.

resource "terraform_data" "a" {
  input = "hello"
}
