resource "terraform_data" "b" { input = templatefile("t.tftpl", { name = "n" }) }
