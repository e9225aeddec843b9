locals {
  a = 1 /* x */
  bb = 2 /* yy */
  ccc = 3 # z
  d /* mid */ = 4
  eeee = /* q */ 5
}
locals {
  a = { # x
    b = 1 # y
    ccc = foo( # z
     1)
  }
  x = foo({
  a = 1
  b = [{
  c = 1
  }]
  })
 y = [{
 a = 1
 },{
 b = 1
 }]
}


