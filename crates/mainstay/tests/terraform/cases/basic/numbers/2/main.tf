resource "terraform_data" "a" {
  input = { big = 123456789012345678901234567891 }
}
