locals {
  ports  = { http = 80 }
  list   = ["a", "b"]
  object = { name = "x", size = 1 }
  a      = local.ports.htpp
  b      = local.list[2]
  c      = local.object.nmae
  d      = local.list.name
  e      = local.object[0]
  f      = "text".x
  g      = null.x
}
