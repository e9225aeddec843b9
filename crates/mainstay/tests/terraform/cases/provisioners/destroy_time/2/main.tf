resource "terraform_data" "a" {
  input            = "second"
  triggers_replace = 2
  provisioner "local-exec" {
    command = "echo create ${self.input} >> log.txt"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "echo destroy ${self.input} >> log.txt"
  }
}
