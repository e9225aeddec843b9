resource "terraform_data" "a" { input = "x" }
resource "terraform_data" "stays" { input = "s" }
