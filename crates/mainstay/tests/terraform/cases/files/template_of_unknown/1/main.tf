resource "terraform_data" "a" { input = "name" }
resource "terraform_data" "b" { input = templatefile("t.tftpl", { name = terraform_data.a.output, n = 2 }) }
