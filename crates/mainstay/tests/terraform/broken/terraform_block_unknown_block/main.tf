terraform {
  settings {
    a = 1
  }
}
