resource "terraform_data" "a" {
  connection {
    host = "localhost"
    nope = 1
  }
  provisioner "remote-exec" {
    inline = ["true"]
  }
}
