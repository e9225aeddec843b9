terraform {
  required_version = "one point eleven"
}
