locals {
  a="with # hash"
  b="with // slashes"
  c="with \"quotes\""
  d="with $${dollar}"
  e="with { brace"
  ff="unicode é 日本語" # aligned?
  g="日本語" # wide
  h="👩‍🚀" # joined
}
