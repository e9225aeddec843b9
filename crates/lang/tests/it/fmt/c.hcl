locals {
  h = <<EOT
 x ${ y } %{ for a in b ~}
  z
 %{ endfor ~}
EOT
  longer = 1
  s=2
}
locals {
 a=2
}
locals {
  o = {
    "qq" = 1
 a=2
    (foo) = 4
    longname : 3
    b=3
    "a${ b }" = 5
 }
  p = foo (1)
  q = [for x in [1] : x if [x] == (x)]
}
