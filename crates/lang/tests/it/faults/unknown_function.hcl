locals {
  a = uper("x")
  b = nothing_like_it(1)
  c = timestamp()
  d = provider::aws::arn_parse("x")
}
