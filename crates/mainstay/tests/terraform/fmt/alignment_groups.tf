locals {
  a = 1
  bbb = 2
  cc = [
    1
  ]
  dddddd = 3
  e = 4

  ffffffffffff = 5
  g = 6
  # comment between
  hh = 7
  iiiiiiii = 8
}
