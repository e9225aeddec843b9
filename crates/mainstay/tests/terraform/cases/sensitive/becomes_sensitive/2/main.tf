resource "terraform_data" "a" { input = sensitive("v") }
