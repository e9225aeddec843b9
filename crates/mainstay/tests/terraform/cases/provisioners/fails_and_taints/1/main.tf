resource "terraform_data" "a" {
  input = "a"
  provisioner "local-exec" {
    command = "exit 3"
  }
}
resource "terraform_data" "after" { input = terraform_data.a.id }
resource "terraform_data" "beside" { input = 1 }
