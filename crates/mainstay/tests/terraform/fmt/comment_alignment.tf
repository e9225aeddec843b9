locals {
  a = 1 # one
  bbb = 2 # two
  cc = "three" // three
  d = 4

  e = 5 # five
  ffff = 6 /* six */
  g = [ # g
    1, # one
    22, # twenty-two
  ]
  h = { # h
    a = 1 # a
    bbbb = 2 # b
  }
}
