locals {
  a = "${~ 1 ~}"
  b = "${
    var.x
  }"
  c = "${var.x ?
  1 : 2}"
  d = "${merge(
    {a=1},

    {b=2}
  )}" # d
  e = "${[ 1, # one
  2 ]}"
  f = "${ (1 +
  2) }"
  g = "${var.x # g
}"
  h = "${var.x # h

  }"
  i = "${[1,
  2] # i
  }"
  j = "${ /* j
  j */ var.x }"
  k = "${ "a${
  var.x}" }"
  l = "${<<EOT
text
EOT
}"
  m = "${<<EOT
text ${var.x}
EOT
}"
  n = "${ # n
  [1,
  2]}"
  o = ["${var.x}"]
  p = { a = "${var.x}" }
  q = "${"${var.x}"}"
}

output "a" { value = "${var.x}" }

variable "a" {
  type    = "${string}"
  default = "${1}"
}
