resource "terraform_data" "a" {
  triggers_replace = 2
  provisioner "local-exec" {
    command = "exit 1"
  }
}
