module "m" {
  source = "./n"
}
resource "terraform_data" "a" {
  provisioner "local-exec" {
    command = "true"
  }
}
