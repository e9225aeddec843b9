resource "terraform_data" "a" {
  provisioner "local-exec" {
    command = "exit 1"
  }
}
resource "terraform_data" "b" {
  provisioner "local-exec" {
    command = "exit 2"
  }
}
resource "terraform_data" "c" { input = terraform_data.d.id }
resource "terraform_data" "d" {}
