server "x" {
  a = 1
}
