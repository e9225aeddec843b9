check "c" {
  assert {
    condition     = local.a
    error_message = "No."
  }
}
check "c" {
  assert {
    condition     = local.a
    error_message = "No."
  }
}
locals { a = true }
