locals {
a = {
b = [
{
c = {
d = [
1,
2
]
}
}
]
}
}
resource "terraform_data" "a" {
provisioner "local-exec" {
command = "x"
environment = {
A = 1
BBB = 2
}
}
}
