locals {
  a = "${var.x}"
  b = "${ var.x }"
  c = "x${  var.x  }y"
  d = "${~ var.x ~}"
  e = "%{ if true }a%{ else }b%{ endif }"
  f = "%{if true}a%{endif}"
  g = "${ upper( "x" ) }"
  h = "${"a"}"
  i = "${var.a}${var.b}"
  j = "${var.a+1}"
  k = "${
    var.a
  }"
}
