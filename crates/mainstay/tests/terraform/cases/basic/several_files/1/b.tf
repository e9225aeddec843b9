locals {
  name = "from b"
}
