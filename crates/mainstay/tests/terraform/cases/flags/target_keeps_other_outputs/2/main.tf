resource "terraform_data" "a" { input = 2 }
resource "terraform_data" "b" { input = 2 }
output "a" { value = terraform_data.a.output }
output "b" { value = terraform_data.b.output }
output "new" { value = terraform_data.b.output }
