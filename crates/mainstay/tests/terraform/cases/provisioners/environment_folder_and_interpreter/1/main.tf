resource "terraform_data" "a" {
  count = 2
  input = { name = "n${count.index}" }
  provisioner "local-exec" {
    working_dir = "sub"
    interpreter = ["/bin/sh", "-ec"]
    environment = {
      NAME  = self.input.name
      INDEX = count.index
    }
    command = <<-EOT
      test -f here.txt
      test "$NAME" = "n$INDEX"
    EOT
  }
}
