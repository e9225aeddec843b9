resource "terraform_data" "ok" { input = "ok" }
resource "terraform_data" "fails" {
  input = terraform_data.ok.output
  provisioner "local-exec" {
    command = "test -f allow.txt"
  }
}
resource "terraform_data" "after" { input = terraform_data.fails.output }
output "ok" { value = terraform_data.ok.output }
output "after" { value = terraform_data.after.output }
