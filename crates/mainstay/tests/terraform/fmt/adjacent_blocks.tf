locals { a = 1 }
locals { bb = 2 }
resource "terraform_data" "a" {
  input = 1
  lifecycle {}
  provisioner "local-exec" {
    command = "x"
  }
  triggers_replace = 2
}
resource "terraform_data" "b" {}
