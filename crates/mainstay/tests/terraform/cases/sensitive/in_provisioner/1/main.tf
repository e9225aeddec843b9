resource "terraform_data" "a" {
  input = sensitive("word")
  provisioner "local-exec" {
    command = "echo ${self.output}"
  }
}
