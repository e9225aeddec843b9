locals {
  a = [for x in 5 : x]
  b = { for x in ["a", "a"] : x => 1 }
  c = { for x in ["a"] : x }
  d = [for k, v in { a = 1 } : k => v]
  e = [for x in [1] : y]
}
