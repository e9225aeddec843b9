resource "terraform_data" "x" {
  provisioner "local-exec" {
    command = "echo to stdout; echo to stderr >&2; exit 2"
  }
}
output "id" { value = terraform_data.x.id }
