resource "terraform_data" "a" {
  input = 1
  provisioner "local-exec" {
    when       = destroy
    command    = "exit 1"
    on_failure = continue
  }
}
