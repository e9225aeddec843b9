locals {
  list = ["a"]
  a    = "x${local.list}"
  b    = "x${null}"
  c    = "x%{ for x in 5 }${x}%{ endfor }"
  d    = "x${}"
}
