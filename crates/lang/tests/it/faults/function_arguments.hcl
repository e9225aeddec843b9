locals {
  a = upper()
  b = upper("a", "b")
  c = upper(["a"])
  d = element([], 0)
  e = max("x", 1)
  f = file("nothing.txt")
  g = file("../outside.txt")
  h = join(",", null...)
}
