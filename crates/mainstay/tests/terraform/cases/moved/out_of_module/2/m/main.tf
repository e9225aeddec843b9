resource "terraform_data" "stays" { input = "s" }
