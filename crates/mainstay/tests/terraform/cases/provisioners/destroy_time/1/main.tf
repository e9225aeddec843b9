resource "terraform_data" "a" {
  input            = "first"
  triggers_replace = 1
  provisioner "local-exec" {
    command = "echo create ${self.input} >> log.txt"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo destroy ${self.input} >> log.txt"
  }
}
