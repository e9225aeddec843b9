locals { n = 3 }
check "n" {
  assert {
    condition     = local.n > 5
    error_message = "Not more than five."
  }
  assert {
    condition     = local.n > 1
    error_message = "Not more than one."
  }
  assert {
    condition     = local.n > 4
    error_message = "Not more than four."
  }
}
check "other" {
  assert {
    condition     = local.n == 3
    error_message = "Never said."
  }
}
