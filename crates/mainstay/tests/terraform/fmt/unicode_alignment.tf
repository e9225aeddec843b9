locals {
  o = {
    "é" = 1
    "日本" = 2
    abcdef = 3
  }
}
