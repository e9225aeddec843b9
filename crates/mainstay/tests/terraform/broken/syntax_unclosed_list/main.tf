locals {
  l = [1, 2
  m = 3
}
