resource "terraform_data" "a" {
  input = "changed"
  provisioner "local-exec" {
    command = "echo ${self.output} > out.txt"
  }
}
output "written" { value = trimspace(file("out.txt")) }
