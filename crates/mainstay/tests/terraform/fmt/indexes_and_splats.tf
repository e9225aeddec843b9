locals {
  a = var.x [0]
  b = var.x[ 0 ]
  c = var.x [*] . y
  d = var.x . y
  e = var.x.*.y
  f = var.x[ "k" ].z
  g = var.x[var.y [0]]
  h = var.x.0.y
}
