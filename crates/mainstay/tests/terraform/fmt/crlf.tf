locals {
  a = 1
  bbb=2
  # comment
  c = <<EOT
 text
EOT
}
