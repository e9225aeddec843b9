locals {
  a = [-1,- 2,!true]
  b = foo(-1,-var.x)
  c = 1 - -1
  d = 1--1
  e = {a=-1}
  f = var.x?-1:!var.y
  g = -var.x*-2
}
