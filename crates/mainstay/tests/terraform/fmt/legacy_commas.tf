locals {
  a = {
    x = 1,
    yyy = 2,
    z = [1,2,],
  }
  b = [
    1,2,
    3
    ,4
  ]
}
