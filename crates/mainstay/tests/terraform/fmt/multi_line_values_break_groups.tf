locals {
  a = 1
  bbbbbb = [
    1,
  ]
  cc = 2
  ddddddddd = {}
  e = {
  }
  ffff = foo(
    1
  )
  g = 1
}
