resource "terraform_data" "a" {
  input = "text
}
output "o" { value = 1 }
