resource "terraform_data" "b" { input = "b" }
resource "terraform_data" "c" { input = terraform_data.b.output }
