output "o" { value = var.nope }
resource "terraform_data" "a" { nope = 1 }
