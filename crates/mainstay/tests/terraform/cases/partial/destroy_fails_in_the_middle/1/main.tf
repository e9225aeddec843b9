resource "terraform_data" "first" {
  provisioner "local-exec" {
    when    = destroy
    command = "test -f allow.txt"
  }
}
resource "terraform_data" "second" { input = terraform_data.first.id }
