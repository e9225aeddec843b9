resource "terraform_data" "a" { input = 5 }
check "size" {
  assert {
    condition     = terraform_data.a.output == 6
    error_message = "It is ${terraform_data.a.output}."
  }
}
