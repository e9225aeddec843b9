terraform {
  version = "1"
}
