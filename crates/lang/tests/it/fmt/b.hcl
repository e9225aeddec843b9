


variable "a" {


  default = 1


}
locals {
  a = "${var.x}"
  b = ["${var.y}", 1]
  c = var.x   ==  1  &&  !var.y  ||  ( var.z )
  d = - var.x
  e = 1 -var.x
  e2 = (-1)
  e3 = [ -1, - 1 ]
  e4 = a ? -1 : !b
  g = a.b.0.c
  h = f(g(  ), [ ], { })
  i = { }
  i2 = {  
  }
  i3 = [
  ]
  long_name_here = 1
  j = {
    a = 1
    # comment
    bb = 2

    ccc = 3
    d = {
      e = 1
    }
    ff = [
      1
    ]
    ggggggggg = 2
  }
  k = "%{ if var.x ~}a%{ else }b%{ endif }"
  l = [for k , v in {a : 1} : "${k}-${v}" if v>0]
  m = {
  for k, v in x :
  k => v
  }
  n = x[0][ "a" ]
  o = x.*.y [0]
  p = foo(a...)
  q = provider::foo::bar(1)
  r = <<EOT
  a
EOT
  s = 1
  rr = foo(<<-EOT
    x
  EOT
  , 1)
  t = a == b ? c : d # trail
  uuu = 1            // trail2
  v = [      # open
    1,
    2 ] # close
  w = 1
  # c
  xx = 2
  x = cond ? {
    a = 1
  } : {
    b = 2
  }
}
/* a */ variable "x" {} # tail
variable "y" { default = 1 } // z
resource "a" "b" {
  a = 1
  bb = 2
  c {
    d=1
  }
  dd = 3
  depends_on = [ a.b,
    c.d ]
}
foo bar {
}
output "x" {
  value = "a${ "b" }c${"d${ e }"}"
  b = "${ x }"
  c = "${ x }${y}"
  d = 1.5e3
}
