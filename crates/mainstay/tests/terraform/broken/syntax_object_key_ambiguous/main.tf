locals {
  o = { a.b = 1 }
}
