locals {
  name = "from b, again"
}
