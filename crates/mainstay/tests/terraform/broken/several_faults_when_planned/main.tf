resource "terraform_data" "a" { count = -1 }
resource "terraform_data" "b" { for_each = ["x"] }
resource "terraform_data" "c" { input = file("nope") }
output "d" { value = 1 / 0 }
