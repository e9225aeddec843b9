resource "terraform_data" "a" { input = 5 }
check "size" {
  assert {
    condition     = terraform_data.a.input == 6
    error_message = "It is not six but ${terraform_data.a.input}."
  }
  assert {
    condition     = terraform_data.a.output == 5
    error_message = "It is not five."
  }
}
