resource "terraform_data" "a" { input = "x" }
output "whole" { value = terraform_data.a }
output "part" { value = { known = 1, unknown = terraform_data.a.output, id = terraform_data.a.id } }
output "list" { value = ["k", terraform_data.a.id] }
output "text" { value = "id=${terraform_data.a.id}" }
output "null_or" { value = terraform_data.a.output == null ? "null" : "set" }
