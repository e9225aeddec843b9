locals { list = [] }
check "first" {
  assert {
    condition     = local.list[0] == 1
    error_message = "No."
  }
}
