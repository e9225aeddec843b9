resource "terraform_data" "a" {
dynamic "x" {
for_each=var.y
iterator=it
content {
a=it.value
bbb=it.key
}
}
}
