resource "terraform_data" "a" { input = { n = 1, list = ["x"], hidden = sensitive("s") } }
