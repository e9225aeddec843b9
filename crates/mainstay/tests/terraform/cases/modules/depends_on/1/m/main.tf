resource "terraform_data" "x" { input = "in module" }
output "out" { value = "constant" }
