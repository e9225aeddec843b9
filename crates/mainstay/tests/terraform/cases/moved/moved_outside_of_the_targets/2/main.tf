resource "terraform_data" "c" {
  input = 1
}

resource "terraform_data" "b" {
  input = 3
}

moved {
  from = terraform_data.a
  to   = terraform_data.c
}
