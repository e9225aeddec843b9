data "terraform_remote_state" "r" {
  backend = "local"
  provisioner "local-exec" {
    command = "x"
  }
}
