resource "terraform_data" "a" {
  provisioner "local-exec" {
    command    = "exit 1"
    on_failure = continue
  }
  provisioner "local-exec" {
    command = "echo second"
  }
}
