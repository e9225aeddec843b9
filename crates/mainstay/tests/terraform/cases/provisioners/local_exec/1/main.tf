resource "terraform_data" "a" {
  input = "written"
  provisioner "local-exec" {
    command = "echo ${self.output} > out.txt"
  }
}
