resource "terraform_data" "u" { input = "other" }
