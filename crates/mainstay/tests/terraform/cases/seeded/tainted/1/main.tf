resource "terraform_data" "a" { input = "same" }
resource "terraform_data" "user" { input = terraform_data.a.id }
