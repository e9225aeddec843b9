resource "terraform_data" "a" {
  provider = upper("terraform")
}
